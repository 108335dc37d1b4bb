"""Cutting a batch from the original archives in a local folder. Nothing is read before its checksum is right."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from proxy.data.datasets import ArchiveFile, Dataset, Split
from proxy.data.faults import invalid_batch
from proxy.data.names import BatchName
from proxy.data.normalisation import normalise
from proxy.data.pickles import read_pickle
from proxy.data.spec import CHANNELS, Batch, LabelArray
from proxy.errors import Fault, InvalidBatch, UnknownBatch, shown

Pixels = npt.NDArray[np.uint8]

# One archive at a time: they take hundreds of megabytes to read. Also guards `_verified`.
_lock: Final = Lock()
#: Files whose checksum was right, by what identifies their content: (device, inode, size, time of change).
_verified: Final[set[tuple[int, int, int, int]]] = set()


def archive_batch(name: BatchName, dataset: Dataset, split: Split, data_dir: Path | None) -> Batch:
    """The images `name.start` to `name.stop` of a split, in the order of its files.

    Raises:
        UnknownBatch: a file is not there.
        InvalidBatch: a file is not what its authors published.
    """
    with _lock:
        pixels_NHWC, labels_N = _cut(name, dataset, split, data_dir)
    return Batch(
        name=str(name),
        images_NCHW=normalise(pixels_NHWC, dataset.constants),
        labels_N=labels_N,
        classes=dataset.classes,
        mean=dataset.constants.mean,
        std=dataset.constants.std,
    )


def missing_file(split: Split, data_dir: Path | None) -> str | None:
    """The repair for the first file of the split that is not there; None if all are."""
    for file in split.files:
        if data_dir is None or not (data_dir / file.path).is_file():
            return _how_to_get(file, data_dir)
    return None


def _how_to_get(file: ArchiveFile, data_dir: Path | None) -> str:
    if data_dir is None:
        return f"name a data folder that holds {file.path} (md5 {file.md5})"
    # The folder is not named: this text goes to clients of the service too.
    return f"put {file.path} (md5 {file.md5}) into the data folder (CROZE_DATA_DIR)"


def _cut(name: BatchName, dataset: Dataset, split: Split, data_dir: Path | None) -> tuple[Pixels, LabelArray]:
    """Go through the images in order, until `name.stop` of them have been seen; later files are not opened."""
    pixels: list[Pixels] = []
    labels: list[LabelArray] = []
    seen = 0
    with closing(_parts(name, dataset, split, data_dir)) as parts:
        for pixels_NHWC, labels_N in parts:
            wanted = slice(max(name.start - seen, 0), max(name.stop - seen, 0))
            pixels.append(pixels_NHWC[wanted])
            labels.append(labels_N[wanted])
            seen += len(labels_N)
            if seen >= name.stop:
                return np.concatenate(pixels), np.concatenate(labels)
    problem = f"holds {seen} images, and {name} ends at {name.stop}"
    raise invalid_batch(Fault(name.source, problem, f"allowed: up to {seen}"))


def _parts(
    name: BatchName, dataset: Dataset, split: Split, data_dir: Path | None
) -> Generator[tuple[Pixels, LabelArray], None, None]:
    for file in split.files:
        with _open_verified(file, name, dataset, data_dir) as stream:
            for what, pickled in _pickles(file, stream):
                yield _images(read_pickle(pickled, what=what), dataset, what)


def _open_verified(file: ArchiveFile, name: BatchName, dataset: Dataset, data_dir: Path | None) -> io.BufferedReader:
    """The file, open at its beginning, after its checksum was found right once in this process."""
    repair = f"{_how_to_get(file, data_dir)}, from {dataset.url}"
    if data_dir is None:
        raise UnknownBatch(f"batch {shown(str(name))} needs {dataset.title}, which is not bundled; {repair}")
    path = data_dir / file.path
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UnknownBatch(
            f"batch {shown(str(name))} needs {file.path}, which cannot be read ({error.strerror}); {repair}"
        ) from error
    try:
        _verify(stream, file, repair)
    except BaseException:
        stream.close()
        raise
    return stream


def _verify(stream: io.BufferedReader, file: ArchiveFile, repair: str) -> None:
    status = os.fstat(stream.fileno())
    identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    if identity in _verified:
        return
    found = hashlib.file_digest(stream, _md5).hexdigest()
    if found != file.md5:
        raise invalid_batch(Fault(file.path, f"has md5 {found}, not {file.md5}", repair))
    stream.seek(0)
    _verified.add(identity)


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _pickles(file: ArchiveFile, stream: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    if not file.members:
        yield file.path, stream
        return
    try:
        with tarfile.open(fileobj=stream, mode="r:gz") as tar:
            for member in file.members:
                inner = tar.extractfile(member)
                assert inner is not None, f"{member} is a plain file in the archive of that checksum"
                yield f"{file.path}:{member}", inner
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        problem = f"cannot be unpacked ({type(error).__name__}: {shown(str(error))})"
        raise invalid_batch(Fault(file.path, problem, "download the archive again")) from error


def _images(entry: dict[str, Any], dataset: Dataset, what: str) -> tuple[Pixels, LabelArray]:
    """Pixels as NHWC and the labels of the images that the dataset keeps."""
    try:
        pixels_NCHW = np.asarray(entry["data"]).reshape(-1, CHANNELS, dataset.side, dataset.side)
        labels_N = np.asarray(entry[dataset.label_key], np.int64) - dataset.first_label
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _not_images(dataset, what, f"{type(error).__name__}: {shown(str(error), 200)}") from error
    if pixels_NCHW.dtype != np.uint8 or labels_N.shape != pixels_NCHW.shape[:1]:
        raise _not_images(dataset, what, f"{pixels_NCHW.dtype} {pixels_NCHW.shape} with labels {labels_N.shape}")
    kept = (labels_N >= 0) & (labels_N < dataset.classes)
    return pixels_NCHW.transpose(0, 2, 3, 1)[kept], labels_N[kept]


def _not_images(dataset: Dataset, what: str, why: str) -> InvalidBatch:
    return invalid_batch(Fault(what, f"does not hold {dataset.title} images ({why})", "download the archive again"))
