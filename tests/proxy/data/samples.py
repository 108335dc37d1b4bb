"""Batches and files that the tests of this folder start from."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def float_arrays(count: int = 4, side: int = 8) -> dict[str, Array]:
    """A valid batch of float images, without constants."""
    numbers = np.random.default_rng(0)
    images_NCHW = numbers.standard_normal((count, 3, side, side)).astype(np.float32)
    return {"images": images_NCHW, "labels": np.arange(count) % 3}


def pixel_arrays(count: int = 4, side: int = 8) -> dict[str, Array]:
    """A valid batch of pixels, without constants."""
    numbers = np.random.default_rng(1)
    pixels_NHWC = numbers.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return {"images": pixels_NHWC, "labels": np.arange(count) % 3}


def npz(**arrays: Any) -> bytes:
    """What numpy.savez writes."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array: Any, version: tuple[int, int] | None = None) -> bytes:
    """What numpy.save writes, pickled objects included."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version)
    return buffer.getvalue()


def npy_with_header(header: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """An .npy file whose header says whatever one likes."""
    text = header.encode() + b"\n"
    length = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + length + text + content


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of files named with their full names, e.g. "images.npy"."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
