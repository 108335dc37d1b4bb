"""Reading .npz files that nobody vouches for: a zip of .npy arrays, checked before anything is decompressed.

The .npy header is read here rather than by numpy, which accepts more than is wanted (pickled objects, structured
types, headers of Python 2) and warns while it does so. Format: NEP 1.
"""

from __future__ import annotations

import ast
import io
import math
import re
import zipfile
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from proxy.data.faults import invalid_batch
from proxy.errors import Fault, shown

MAX_UNCOMPRESSED: Final = 256 * 2**20
"""Bytes of all members together. The largest batch allowed takes half of it as float64."""
MAX_MEMBERS: Final = 16
MAX_HEADER: Final = 4096
"""numpy pads its headers to 64 bytes and needs no more than 128 for a plain array."""
MAX_DIMENSIONS: Final = 8

_MAGIC: Final = b"\x93NUMPY"
_LENGTH_BYTES: Final = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
_PLAIN_TYPE: Final = re.compile(r"[<>|=](?:[iu][1248]|f[248]|b1)", re.ASCII)
_NOT_NPZ: Final = "send a .npz file as numpy.savez or numpy.savez_compressed writes it"
_SAVE_AGAIN: Final = "save plain number arrays with numpy.savez"


@dataclass(frozen=True, slots=True)
class Member:
    """One array of the file, before its numbers are read."""

    key: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    start: int
    """Offset of the numbers within the member."""


class NpzFile:
    """An open .npz: `members` are known, the numbers are not read yet.

    Raises:
        InvalidBatch: from the constructor and from `read`, whatever the bytes are.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            entries = self._zip.infolist()
        except Exception as error:  # zipfile raises a dozen kinds for a broken file, none of them documented.
            raise invalid_batch(Fault("file", f"not a .npz file ({shown(str(error))})", _NOT_NPZ)) from error
        _check_entries(entries)
        self.members = {entry.filename.removesuffix(".npy"): self._member(entry) for entry in entries}

    def read(self, key: str) -> npt.NDArray[Any]:
        """The numbers of one member in native byte order, C-contiguous and writable."""
        member = self.members[key]
        try:
            content = self._zip.read(f"{key}.npy")
            flat = np.frombuffer(content, member.dtype, math.prod(member.shape), member.start)
        except Exception as error:  # zlib, struct, zipfile and numpy each have their own.
            raise _unreadable(key, error) from error
        shaped = flat.reshape(member.shape, order="F" if member.fortran_order else "C")
        return np.array(shaped, dtype=member.dtype.newbyteorder("="), order="C")

    def _member(self, entry: zipfile.ZipInfo) -> Member:
        key = entry.filename.removesuffix(".npy")
        try:
            with self._zip.open(entry) as stream:
                return _read_header(key, stream, entry.file_size)
        except _BadHeader as error:
            raise invalid_batch(Fault(position(key), str(error), _SAVE_AGAIN)) from error
        except Exception as error:
            raise _unreadable(key, error) from error


class _BadHeader(ValueError):
    """The member is no .npy array that is allowed here. Stays in this file."""


def _unreadable(key: str, error: Exception) -> Exception:
    problem = f"cannot be decompressed ({type(error).__name__}: {shown(str(error))})"
    return invalid_batch(Fault(position(key), problem, "the file is damaged, encrypted or cut short; write it again"))


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    """The directory of the zip: few members, small together, each an array of its own name."""
    if not 1 <= len(entries) <= MAX_MEMBERS:
        raise invalid_batch(Fault("file", f"holds {len(entries)} members", f"allowed: 1 to {MAX_MEMBERS} arrays"))
    total = sum(entry.file_size for entry in entries)
    if total > MAX_UNCOMPRESSED:
        raise invalid_batch(
            Fault("file", f"decompresses to {total} bytes", f"allowed: up to {MAX_UNCOMPRESSED}; use fewer images")
        )
    for entry in entries:
        if not entry.filename.endswith(".npy"):
            raise invalid_batch(Fault(shown(entry.filename), "is not an array (.npy)", _NOT_NPZ))
    names = [entry.filename for entry in entries]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise invalid_batch(
            Fault(position(min(repeated).removesuffix(".npy")), "is there twice", "keep one array of each name")
        )


def _read_header(key: str, stream: IO[bytes], size: int) -> Member:
    """The header of one .npy. Reads no more than MAX_HEADER bytes, so it decompresses no more."""
    start = stream.read(8)
    version = tuple(start[6:8])
    if start[:6] != _MAGIC or version not in _LENGTH_BYTES:
        raise _BadHeader("is not an array of .npy format 1.0, 2.0 or 3.0")
    length_bytes = _LENGTH_BYTES[version]
    length = int.from_bytes(stream.read(length_bytes), "little")
    if length > MAX_HEADER:
        raise _BadHeader(f"has a header of {length} bytes (allowed: up to {MAX_HEADER})")
    dtype, fortran_order, shape = _parse_header(stream.read(length))
    offset = len(start) + length_bytes + length
    expected = offset + math.prod(shape) * dtype.itemsize
    if size != expected:
        raise _BadHeader(f"has {size} bytes where its header announces {expected}")
    return Member(key, dtype, shape, fortran_order, offset)


def _parse_header(text: bytes) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    try:
        header = ast.literal_eval(text.decode("latin1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise _BadHeader(f"has an unreadable header {shown(text)}") from error
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise _BadHeader(f"has an unreadable header {shown(text)}")
    description, fortran_order, shape = header["descr"], header["fortran_order"], header["shape"]
    if not isinstance(description, str) or not _PLAIN_TYPE.fullmatch(description):
        kind = "pickled objects" if description == "|O" else f"type {shown(description)}"
        raise _BadHeader(f"holds {kind}, which is never read")
    if not isinstance(fortran_order, bool) or not _is_shape(shape):
        raise _BadHeader(f"has an impossible shape {shown(shape)}")
    return np.dtype(description), fortran_order, shape


def _is_shape(shape: object) -> bool:
    if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS:
        return False
    return all(type(length) is int and 0 <= length <= MAX_UNCOMPRESSED for length in shape)


def position(key: str) -> str:
    """A member's name as the place of a fault."""
    return key if key.isidentifier() and len(key) <= 40 else shown(key)
