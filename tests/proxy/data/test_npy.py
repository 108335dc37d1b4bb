"""Files that nobody vouches for: only InvalidBatch ever comes out, and nothing is decompressed before it is checked."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.data import read_npz
from proxy.data.npy import NpzFile
from proxy.errors import InvalidBatch
from tests.proxy.data.samples import float_arrays, npy, npy_with_header, npz, zipped

GOOD = npz(**float_arrays())
SMALL = zipped({f"{key}.npy": npy(value) for key, value in float_arrays(count=1, side=4).items()})
LABELS = npy(np.arange(4))


class Bomb:
    """Fails the test when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickle was run",)


def encrypted(content: bytes) -> bytes:
    """`content` with the encryption bit set on every member."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + offset] |= 1
            at = changed.find(signature, at + 4)
    return bytes(changed)


def header(descr: str = "'<f4'", order: str = "False", shape: str = "(1,)", extra: str = "") -> bytes:
    return npy_with_header(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}{extra}}}", b"\0" * 4)


def with_images(member: bytes) -> bytes:
    return zipped({"images.npy": member, "labels.npy": LABELS})


HOSTILE = {
    "empty": (b"", "not a .npz file"),
    "text": (b"hello", "not a .npz file"),
    "a single .npy": (npy(np.zeros(3)), "not a .npz file"),
    "an empty zip": (zipped({}), "holds 0 members"),
    "17 members": (zipped({f"a{i}.npy": LABELS for i in range(17)}), "holds 17 members; allowed: 1 to 16"),
    "not an array": (zipped({"notes.txt": b"hello"}), "'notes.txt': is not an array"),
    "a folder": (zipped({"images.npy/": b""}), "is not an array"),
    "pickled objects": (with_images(npy(np.array([Bomb()]))), "images: holds pickled objects, which is never read"),
    "a structure": (with_images(npy(np.zeros(2, [("a", "f4")]))), "which is never read"),
    "text array": (with_images(npy(np.array(["a"]))), "holds type '<U1', which is never read"),
    "complex": (with_images(npy(np.zeros(2, complex))), "holds type '<c16'"),
    "dates": (with_images(npy(np.zeros(2, "M8[s]"))), "which is never read"),
    "encrypted": (encrypted(GOOD), "cannot be decompressed (RuntimeError"),
    "cut short": (GOOD[:-40], "not a .npz file"),
    "no magic": (with_images(b"NUMPY" * 30), "is not an array of .npy format"),
    "version 9": (with_images(npy_with_header("{}", version=b"\x09\x00")), "is not an array of .npy format"),
    "empty member": (with_images(b""), "is not an array of .npy format"),
    "huge header": (with_images(npy_with_header("x" * 5000)), "has a header of 5001 bytes (allowed: up to 4096)"),
    "4 GB header": (with_images(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"), "has a header of 4294967295 bytes"),
    "not a literal": (with_images(npy_with_header("__import__('os')")), "unreadable header"),
    "nested": (with_images(npy_with_header("(" * 4000)), "unreadable header"),
    "negations": (with_images(npy_with_header("-" * 4000 + "1")), "unreadable header"),
    "no dictionary": (with_images(npy_with_header("[1]")), "unreadable header"),
    "unhashable": (with_images(npy_with_header("{[]: 1}")), "unreadable header"),
    "extra key": (with_images(header(extra=", 'x': 1")), "unreadable header"),
    "python 2": (with_images(header(shape="(1L,)")), "unreadable header"),
    "descr": (with_images(header(descr="5")), "holds type 5"),
    "order": (with_images(header(order="1")), "impossible shape"),
    "shape": (with_images(header(shape="[1]")), "impossible shape [1]"),
    "negative": (with_images(header(shape="(-1,)")), "impossible shape"),
    "boolean": (with_images(header(shape="(True,)")), "impossible shape"),
    "33 dimensions": (with_images(header(shape=str((1,) * 33))), "impossible shape"),
    "overflow": (with_images(header(shape="(268435456, 268435456, 268435456)")), "its header announces"),
    "too short": (with_images(header(shape="(2,)")), "bytes where its header announces"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused(case: str) -> None:
    content, message = HOSTILE[case]
    with pytest.raises(InvalidBatch) as caught:
        read_npz(content, name="mine")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_npy_version_is_read(version: tuple[int, int]) -> None:
    numbers = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(NpzFile(zipped({"a.npy": npy(numbers, version)})).read("a"), numbers)


def test_members_of_one_name_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("images.npy", LABELS)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("images.npy", LABELS)
    with pytest.raises(InvalidBatch, match="images: is there twice"):
        read_npz(buffer.getvalue(), name="mine")


def test_a_zip_bomb_is_not_decompressed() -> None:
    bomb = npy_with_header(
        "{'descr': '|u1', 'fortran_order': False, 'shape': (300000000,)}", bytes(10_000)
    )  # Announces 300 MB; the zip's directory is then made to say the same.
    content = bytearray(with_images(bomb))
    entry = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, entry + 24, 300_000_000 + len(bomb) - 10_000)
    with pytest.raises(InvalidBatch, match=r"decompresses to 3000.* bytes; allowed: up to 268435456"):
        read_npz(bytes(content), name="mine")


def test_a_wrong_shape_is_refused_before_the_numbers_are_decompressed() -> None:
    content = with_images(npy(np.zeros(2**24, np.float32)))  # 64 MiB that deflate to 64 KiB.
    tracemalloc.start()
    try:
        with pytest.raises(InvalidBatch, match=r"float32 of shape \(16777216,\)"):
            read_npz(content, name="mine")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 2**20


def test_a_member_that_ends_early_is_refused() -> None:
    """Directory and checksum agree with each other, and the numbers are not all there."""
    content = bytearray(with_images(npy(float_arrays()["images"])))
    short = zlib.compressobj(9, zlib.DEFLATED, -15)
    member = npy(float_arrays()["images"])[:200]
    packed = short.compress(member) + short.flush()
    start = content.index(b"PK\x03\x04")
    data = start + 30 + len("images.npy")
    content[data : data + len(packed)] = packed
    entry = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, entry + 16, zlib.crc32(member))
    struct.pack_into("<I", content, start + 14, zlib.crc32(member))
    with pytest.raises(InvalidBatch, match="images: cannot be decompressed"):
        read_npz(bytes(content), name="mine")


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None, database=None)
def test_garbage_raises_nothing_but_invalid_batch(content: bytes) -> None:
    with pytest.raises(InvalidBatch):
        read_npz(content, name="mine")


@given(st.data())
@settings(max_examples=300, deadline=None, database=None)
def test_damage_raises_nothing_but_invalid_batch(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([GOOD, SMALL])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        batch = read_npz(bytes(content), name="mine")
    except InvalidBatch:
        return
    assert batch.size == len(batch.images_NCHW)  # Damage may fall where nobody looks, e.g. on a date.


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None, database=None)
def test_a_made_up_header_raises_nothing_but_invalid_batch(text: str) -> None:
    with pytest.raises(InvalidBatch):
        read_npz(with_images(npy_with_header(text)), name="mine")
