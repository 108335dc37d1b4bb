"""A user's own batch: an .npz file with `images`, `labels` and, if known, `mean` and `std`.

    images  uint8 (N, H, W, 3): pixels, normalised here with mean and std, or else with the CIFAR-10 constants
            float (N, 3, H, W): taken as given
    labels  integers (N,), 0 to 999; the number of classes is the largest label + 1, and at least 2
    mean, std  (3,) in units of pixels / 255; both or neither. For float images they are not applied: they say
            how the images were normalised, so that a perturbed image can be kept in the range of real pixels

Each fault that can be seen without decompressing the arrays is reported at once, then those of the numbers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from proxy.data.faults import invalid_batch
from proxy.data.names import check_given_name
from proxy.data.normalisation import CIFAR10, Normalisation, normalise
from proxy.data.npy import Member, NpzFile, position
from proxy.data.spec import (
    CHANNELS,
    MAX_CLASSES,
    MAX_IMAGES,
    MAX_SIDE,
    MAX_VALUES,
    MIN_CLASSES,
    MIN_SIDE,
    SIDE_MULTIPLE,
    Batch,
    FloatArray,
    LabelArray,
)
from proxy.errors import Fault, shown

REQUIRED: Final = ("images", "labels")
OPTIONAL: Final = ("mean", "std")
MIN_STD: Final = 1e-3
"""Far below any real one (0.2 or so), and far above where dividing by it overflows float32."""

_FORMS: Final = f"allowed: uint8 of shape (N, H, W, {CHANNELS}) or floats of shape (N, {CHANNELS}, H, W)"


def read_npz(content: bytes, *, name: str) -> Batch:
    """The batch in an .npz file, under a name of the user's choice.

    Raises:
        InvalidBatch: whatever is wrong with the bytes or with the name, in terms of the arrays' names.
    """
    check_given_name(name)
    file = NpzFile(content)
    faults = _key_faults(file.members)
    if faults:
        raise invalid_batch(*faults)
    faults = [*_image_faults(file.members["images"]), *_label_faults(file.members)]
    for key in OPTIONAL:
        faults += _constant_faults(file.members[key]) if key in file.members else []
    if faults:
        raise invalid_batch(*faults)
    constants = read_constants(file)
    if constants is None and file.members["images"].dtype == np.uint8:
        constants = CIFAR10
    labels_N = read_labels(file)
    return Batch(
        name=name,
        images_NCHW=_read_images(file, constants),
        labels_N=labels_N,
        classes=max(int(labels_N.max()) + 1, MIN_CLASSES),
        mean=constants.mean if constants else None,
        std=constants.std if constants else None,
    )


def _key_faults(members: dict[str, Member]) -> list[Fault]:
    names = ", ".join((*REQUIRED, *OPTIONAL))
    faults = [
        Fault(position(key), "no array of that name is known", f"allowed: {names}")
        for key in members
        if key not in (*REQUIRED, *OPTIONAL)
    ]
    faults += [Fault(key, "is missing", f"needed: {', '.join(REQUIRED)}") for key in REQUIRED if key not in members]
    if ("mean" in members) != ("std" in members):
        present, absent = OPTIONAL if "mean" in members else reversed(OPTIONAL)
        faults.append(Fault(absent, f"is missing beside {present}", "give both or neither"))
    return faults


def _image_faults(images: Member) -> list[Fault]:
    kind, shape = images.dtype.kind, images.shape
    if len(shape) != 4 or not (images.dtype == np.uint8 or kind == "f"):
        return [Fault("images", f"{images.dtype.name} of shape {shape}", _FORMS)]
    if kind == "f":
        count, channels, height, width = shape
        other, transpose = shape[3], "images.transpose(0, 3, 1, 2)"
    else:
        count, height, width, channels = shape
        other, transpose = shape[1], "images.transpose(0, 2, 3, 1)"
    if channels != CHANNELS:
        repair = f"{_FORMS}; try {transpose}" if other == CHANNELS else _FORMS
        return [Fault("images", f"{images.dtype.name} of shape {shape} has {channels} channels", repair)]
    return size_faults(count, height, width)


def size_faults(count: int, height: int, width: int) -> list[Fault]:
    """What is wrong with the size of `count` images, before any is read."""
    faults = []
    if not 1 <= count <= MAX_IMAGES:
        faults.append(Fault("images", f"{count} images", f"allowed: 1 to {MAX_IMAGES}"))
    for what, side in (("height", height), ("width", width)):
        if not MIN_SIDE <= side <= MAX_SIDE or side % SIDE_MULTIPLE:
            repair = f"allowed: multiples of {SIDE_MULTIPLE} from {MIN_SIDE} to {MAX_SIDE}; crop or pad the images"
            faults.append(Fault("images", f"{what} {side}", repair))
    values = count * CHANNELS * height * width
    if values > MAX_VALUES and not faults:
        problem = f"{count} images of {height} x {width} are {values} numbers"
        faults.append(Fault("images", problem, f"allowed: up to {MAX_VALUES}; use fewer or smaller images"))
    return faults


def _label_faults(members: dict[str, Member]) -> list[Fault]:
    labels, images = members["labels"], members["images"]
    repair = "allowed: integers of shape (N,), one class number for each image"
    if labels.dtype.kind == "f":
        repair += "; try labels.astype(int)"
    if len(labels.shape) == 2:
        repair += "; for one-hot rows try labels.argmax(1)"
    if labels.dtype.kind not in "iu" or len(labels.shape) != 1:
        return [Fault("labels", f"{labels.dtype.name} of shape {labels.shape}", repair)]
    if images.shape and labels.shape != images.shape[:1]:
        return [Fault("labels", f"{labels.shape[0]} labels for {images.shape[0]} images", "give one label an image")]
    return []


def _constant_faults(constant: Member) -> list[Fault]:
    if constant.dtype.kind not in "iuf" or constant.shape != (CHANNELS,):
        problem = f"{constant.dtype.name} of shape {constant.shape}"
        return [Fault(constant.key, problem, f"allowed: numbers of shape ({CHANNELS},), one a channel")]
    return []


def read_constants(file: NpzFile) -> Normalisation | None:
    """`mean` and `std`, if there.

    Raises:
        InvalidBatch: out of range.
    """
    if "mean" not in file.members:
        return None
    mean, std = (_floats(file.read(key)) for key in OPTIONAL)
    faults = []
    if not all(0 <= value <= 1 for value in mean):  # Also False for NaN.
        faults.append(_out_of_range("mean", mean, "0 to 1"))
    if not all(MIN_STD <= value <= 1 for value in std):
        faults.append(_out_of_range("std", std, f"{MIN_STD} to 1"))
    if faults:
        raise invalid_batch(*faults)
    return Normalisation((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))


def _out_of_range(key: str, values: list[float], allowed: str) -> Fault:
    repair = f"allowed: {allowed}, in units of pixels / 255; divide by 255 what was measured on pixels 0..255"
    return Fault(key, f"{values} is out of range", repair)


def _floats(array: npt.NDArray[Any]) -> list[float]:
    return [float(value) for value in array]


def read_labels(file: NpzFile) -> LabelArray:
    """`labels` as int64.

    Raises:
        InvalidBatch: one is negative or too large.
    """
    labels_N = file.read("labels")
    wrong = (labels_N < 0) | (labels_N >= MAX_CLASSES)
    if wrong.any():
        at = int(wrong.argmax())
        repair = f"allowed: 0 to {MAX_CLASSES - 1}; number the classes from 0"
        raise invalid_batch(Fault(f"labels[{at}]", f"label {labels_N[at]} is out of range", repair))
    return labels_N.astype(np.int64)


def _read_images(file: NpzFile, constants: Normalisation | None) -> FloatArray:
    raw = file.read("images")
    if raw.dtype == np.uint8:
        assert constants is not None, "pixels are always normalised"
        return normalise(raw, constants)
    return finite_images(raw)


def finite_images(raw_NCHW: npt.NDArray[Any]) -> FloatArray:
    """Images as float32.

    Raises:
        InvalidBatch: some numbers are NaN or infinite, or become so in float32.
    """
    with np.errstate(all="ignore"):
        images_NCHW = raw_NCHW.astype(np.float32)
    wrong = ~np.isfinite(images_NCHW)
    if wrong.any():
        at = tuple(int(index) for index in np.unravel_index(int(wrong.argmax()), wrong.shape))
        problem = f"{int(wrong.sum())} of {wrong.size} numbers are not finite in float32, the first is {raw_NCHW[at]}"
        raise invalid_batch(Fault(f"images{list(at)}", problem, "replace NaN and infinity before sending"))
    return images_NCHW


def check_labels(batch: Batch, classes: int) -> None:
    """Make sure that a network of `classes` classes can be given the batch's labels.

    Raises:
        InvalidBatch: a label is not below `classes`.
    """
    wrong = batch.labels_N >= classes
    if wrong.any():
        at = int(wrong.argmax())
        problem = f"label {batch.labels_N[at]} of batch {shown(batch.name)} does not fit {classes} classes"
        needed = int(batch.labels_N.max()) + 1
        raise invalid_batch(Fault(f"labels[{at}]", problem, f"use at least {needed} classes, or another batch"))
