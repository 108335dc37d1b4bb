"""A batch as bytes, for Redis and for the engine's pipe: an .npz that any numpy can open, and back, bit by bit."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import numpy.typing as npt

from proxy.data.faults import invalid_batch
from proxy.data.npy import Member, NpzFile
from proxy.data.npz import finite_images, read_constants, read_labels, size_faults
from proxy.data.spec import CHANNELS, MAX_CLASSES, MIN_CLASSES, Batch
from proxy.errors import Fault, shown

MAX_NAME_BYTES: Final = 4096

#: key -> (kind of number, bytes each, dimensions)
_FIELDS: Final[dict[str, tuple[str, int, int]]] = {
    "name": ("u", 1, 1),
    "classes": ("i", 8, 0),
    "images": ("f", 4, 4),
    "labels": ("i", 8, 1),
    "mean": ("f", 8, 1),
    "std": ("f", 8, 1),
}
_REPAIR: Final = "only bytes written by to_bytes are read here; a user's file is read by read_npz"


def to_bytes(batch: Batch) -> bytes:
    """The batch, its name, classes and constants. Equal batches give equal bytes."""
    arrays: dict[str, npt.ArrayLike] = {
        "name": np.frombuffer(batch.name.encode("utf-8", "surrogatepass"), np.uint8),
        "classes": np.int64(batch.classes),
        "images": batch.images_NCHW.astype("<f4", copy=False),
        "labels": batch.labels_N.astype("<i8", copy=False),
    }
    if batch.mean is not None and batch.std is not None:
        arrays |= {"mean": np.array(batch.mean, "<f8"), "std": np.array(batch.std, "<f8")}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_bytes(content: bytes) -> Batch:
    """What `to_bytes` was given: same name, classes, constants and digest.

    Raises:
        InvalidBatch: the bytes do not come from `to_bytes`.
    """
    file = NpzFile(content)
    _check_fields(file.members)
    classes = int(file.read("classes"))
    labels_N = read_labels(file)
    if not (MIN_CLASSES <= classes <= MAX_CLASSES and int(labels_N.max()) < classes):
        raise invalid_batch(Fault("classes", f"{classes} classes", _REPAIR))
    try:
        name = file.read("name").tobytes().decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise invalid_batch(Fault("name", "is not UTF-8", _REPAIR)) from error
    constants = read_constants(file)
    return Batch(
        name=name,
        images_NCHW=finite_images(file.read("images")),
        labels_N=labels_N,
        classes=classes,
        mean=constants.mean if constants else None,
        std=constants.std if constants else None,
    )


def _check_fields(members: dict[str, Member]) -> None:
    if set(members) not in (set(_FIELDS), set(_FIELDS) - {"mean", "std"}):
        raise invalid_batch(Fault("file", f"has the arrays {shown(sorted(members))}", _REPAIR))
    for key, member in members.items():
        if (member.dtype.kind, member.dtype.itemsize, len(member.shape)) != _FIELDS[key]:
            raise invalid_batch(Fault(key, f"{member.dtype.name} of shape {member.shape}", _REPAIR))
    count, channels, height, width = members["images"].shape
    fits = channels == CHANNELS and members["labels"].shape == (count,)
    fits &= all(members[key].shape == (CHANNELS,) for key in ("mean", "std") if key in members)
    fits &= members["name"].shape[0] <= MAX_NAME_BYTES
    if not fits:
        raise invalid_batch(Fault("file", "has arrays that do not fit each other", _REPAIR))
    faults = size_faults(count, height, width)
    if faults:
        raise invalid_batch(*faults)
