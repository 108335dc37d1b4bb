"""A batch as bytes, and back."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.data import Batch, from_bytes, load_batch, read_npz, to_bytes
from proxy.errors import InvalidBatch
from tests.proxy.data.samples import float_arrays, npz


def same(one: Batch, other: Batch) -> bool:
    return (
        one.digest == other.digest
        and (one.name, one.classes, one.mean, one.std) == (other.name, other.classes, other.mean, other.std)
        and one.images_NCHW.tobytes() == other.images_NCHW.tobytes()
        and one.labels_N.tobytes() == other.labels_N.tobytes()
    )


@pytest.mark.parametrize("name", ["cifar10:train[0:8]", "synthetic:seed=1,classes=120,size=16[0:3]"])
def test_a_built_in_batch_survives(name: str) -> None:
    batch = load_batch(name)
    copy = from_bytes(to_bytes(batch))
    assert same(batch, copy)
    assert copy.images_NCHW.flags.writeable  # Else torch.from_numpy warns.
    assert to_bytes(copy) == to_bytes(batch)


def test_a_batch_without_constants_survives() -> None:
    batch = read_npz(npz(**float_arrays()), name="mine")
    assert same(batch, from_bytes(to_bytes(batch)))


@given(st.text(max_size=30))
@settings(max_examples=50, deadline=None, database=None)
def test_any_name_survives(name: str) -> None:
    batch = replace(load_batch("synthetic:seed=0,size=4[0:1]"), name=name)
    assert from_bytes(to_bytes(batch)).name == name


def test_any_numpy_can_open_it() -> None:
    batch = load_batch("cifar10:train[0:8]")
    with np.load(io.BytesIO(to_bytes(batch)), allow_pickle=False) as file:
        assert bytes(file["name"]) == b"cifar10:train[0:8]"
        assert int(file["classes"]) == 10
        np.testing.assert_array_equal(file["images"], batch.images_NCHW)


def wire(**changes: object) -> bytes:
    arrays = {"name": np.zeros(1, "u1"), "classes": np.int64(10), **float_arrays()}
    return npz(**(arrays | changes))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npz(**float_arrays()), "has the arrays ['images', 'labels']"),
        (wire(mean=np.zeros(3)), "only bytes written by to_bytes"),
        (wire(classes=np.int64(2)), "classes: 2 classes"),
        (wire(classes=np.int64(2**40)), "classes: 1099511627776 classes"),
        (wire(classes=np.float64(10)), "classes: float64 of shape ()"),
        (wire(images=np.zeros((4, 1, 8, 8), "f4")), "do not fit each other"),
        (wire(labels=np.arange(3)), "do not fit each other"),
        (wire(name=np.zeros(5000, "u1")), "do not fit each other"),
        (wire(name=np.full(3, 255, "u1")), "name: is not UTF-8"),
        (wire(images=np.zeros((4, 3, 6, 8), "f4")), "height 6"),
        (wire(images=np.full((4, 3, 8, 8), np.nan, "f4")), "not finite"),
        (b"garbage", "not a .npz file"),
    ],
)
def test_other_bytes_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(InvalidBatch) as caught:
        from_bytes(content)
    assert message in str(caught.value)
