"""A user's own batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proxy.data import check_labels, load_batch, read_npz
from proxy.errors import InvalidBatch
from tests.proxy.data.samples import float_arrays, npz, pixel_arrays

CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2023, 0.1994, 0.2010)


def read(**arrays: Any) -> Any:
    return read_npz(npz(**arrays), name="mine")


def test_pixels_are_normalised_like_the_bundled_ones() -> None:
    built_in = load_batch("cifar10:train[0:8]")
    mean, std = (np.array(c, np.float64)[:, None, None] for c in (CIFAR10_MEAN, CIFAR10_STD))
    pixels_NCHW = np.round((built_in.images_NCHW * std + mean) * 255).astype(np.uint8)
    own = read(images=pixels_NCHW.transpose(0, 2, 3, 1), labels=built_in.labels_N)
    assert own.digest == built_in.digest
    assert own.name == "mine"
    assert own.classes == 10


def test_pixels_with_constants_are_normalised_with_those() -> None:
    arrays = pixel_arrays()
    batch = read(**arrays, mean=[0.5, 0.5, 0.5], std=[0.25, 0.5, 1])
    expected = (arrays["images"][1, 2, 3] / 255 - 0.5) / [0.25, 0.5, 1]
    np.testing.assert_allclose(batch.images_NCHW[1, :, 2, 3], expected, rtol=1e-5)
    assert (batch.mean, batch.std) == ((0.5, 0.5, 0.5), (0.25, 0.5, 1.0))


def test_floats_are_taken_as_given() -> None:
    arrays = float_arrays()
    batch = read(**arrays)
    np.testing.assert_array_equal(batch.images_NCHW, arrays["images"])
    assert (batch.mean, batch.std) == (None, None)
    assert batch.labels_N.tolist() == [0, 1, 2, 0]
    assert batch.classes == 3


def test_constants_of_floats_are_recorded_and_not_applied() -> None:
    arrays = float_arrays()
    batch = read(**arrays, mean=CIFAR10_MEAN, std=CIFAR10_STD)
    np.testing.assert_array_equal(batch.images_NCHW, arrays["images"])
    assert (batch.mean, batch.std) == (CIFAR10_MEAN, CIFAR10_STD)
    assert batch.digest != read(**arrays).digest


@pytest.mark.parametrize("dtype", ["<f2", "<f8", ">f4", ">f8"])
def test_any_float_type_in_either_byte_order(dtype: str) -> None:
    arrays = float_arrays()
    images = arrays["images"].astype(dtype)
    batch = read(images=images, labels=arrays["labels"].astype(">i2"))
    np.testing.assert_array_equal(batch.images_NCHW, images.astype(np.float32))
    assert batch.images_NCHW.dtype == np.dtype("=f4")
    assert batch.labels_N.dtype == np.dtype("=i8")
    assert batch.labels_N.tolist() == [0, 1, 2, 0]


def test_fortran_order_means_the_same_images() -> None:
    arrays = float_arrays()
    batch = read(images=np.asfortranarray(arrays["images"]), labels=arrays["labels"])
    assert batch.digest == read(**arrays).digest
    assert batch.images_NCHW.flags.c_contiguous


def test_one_class_still_makes_two() -> None:
    assert read(images=float_arrays()["images"], labels=np.zeros(4, int)).classes == 2


def changed(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (base | changes).items() if value is not None}


FLOATS, PIXELS = float_arrays(), pixel_arrays()
BAD = {
    "no images": (changed(FLOATS, images=None), "images: is missing"),
    "no labels": (changed(FLOATS, labels=None), "labels: is missing"),
    "unknown key": (changed(FLOATS, lables=np.arange(4)), "lables: no array of that name is known; allowed: images"),
    "mean alone": (changed(FLOATS, mean=CIFAR10_MEAN), "std: is missing beside mean; give both or neither"),
    "std alone": (changed(FLOATS, std=CIFAR10_STD), "mean: is missing beside std"),
    "one image": (changed(FLOATS, images=FLOATS["images"][0]), "float32 of shape (3, 8, 8); allowed: uint8 of shape"),
    "floats NHWC": (changed(PIXELS, images=PIXELS["images"] / 255), "try images.transpose(0, 3, 1, 2)"),
    "pixels NCHW": (
        changed(PIXELS, images=PIXELS["images"].transpose(0, 3, 1, 2)),
        "has 8 channels; allowed: uint8 of shape (N, H, W, 3) or floats of shape (N, 3, H, W); "
        "try images.transpose(0, 2, 3, 1)",
    ),
    "grey": (changed(FLOATS, images=FLOATS["images"][:, :1]), "has 1 channels"),
    "integers": (changed(PIXELS, images=PIXELS["images"].astype(int)), "images: int64 of shape (4, 8, 8, 3)"),
    "booleans": (changed(FLOATS, images=FLOATS["images"] > 0), "images: bool of shape"),
    "no image": (
        changed(FLOATS, images=FLOATS["images"][:0], labels=np.arange(0)),
        "images: 0 images; allowed: 1 to 1024",
    ),
    "odd sides": (changed(FLOATS, images=np.zeros((4, 3, 6, 7), "f4")), "height 6; allowed: multiples of 4"),
    "no side": (changed(FLOATS, images=np.zeros((4, 3, 0, 8), "f4")), "height 0"),
    "too wide": (changed(FLOATS, images=np.zeros((4, 3, 8, 260), "f4")), "width 260"),
    "too many": (
        changed(FLOATS, images=np.zeros((1025, 3, 4, 4), "f4"), labels=np.zeros(1025, int)),
        "images: 1025 images",
    ),
    "too much": (
        changed(FLOATS, images=np.zeros((86, 256, 256, 3), "u1"), labels=np.zeros(86, int)),
        "numbers; allowed: up to 16777216; use fewer or smaller images",
    ),
    "NaN": (
        changed(FLOATS, images=np.where(np.arange(768).reshape(4, 3, 8, 8) < 200, FLOATS["images"], np.nan)),
        "images[1, 0, 1, 0]: 568 of 768 numbers are not finite in float32, the first is nan",
    ),
    "infinite": (changed(FLOATS, images=np.full((4, 3, 8, 8), -np.inf)), "the first is -inf"),
    "beyond float32": (changed(FLOATS, images=np.full((4, 3, 8, 8), 1e39)), "the first is 1e+39"),
    "too few labels": (changed(FLOATS, labels=np.arange(3)), "labels: 3 labels for 4 images"),
    "negative label": (changed(FLOATS, labels=np.array([0, 1, -1, 2])), "labels[2]: label -1 is out of range"),
    "large label": (changed(FLOATS, labels=np.array([0, 2**64 - 1, 0, 1], "u8")), "labels[1]: label 18446744073709551"),
    "label 1000": (changed(FLOATS, labels=np.array([0, 0, 0, 1000])), "label 1000 is out of range; allowed: 0 to 999"),
    "float labels": (changed(FLOATS, labels=np.zeros(4)), "try labels.astype(int)"),
    "one-hot": (changed(FLOATS, labels=np.eye(4)), "try labels.argmax(1)"),
    "boolean labels": (changed(FLOATS, labels=np.zeros(4, bool)), "labels: bool of shape (4,)"),
    "one mean": (
        changed(PIXELS, mean=0.5, std=CIFAR10_STD),
        "mean: float64 of shape (); allowed: numbers of shape (3,)",
    ),
    "mean in pixels": (changed(PIXELS, mean=[125, 123, 114], std=CIFAR10_STD), "divide by 255"),
    "std zero": (changed(PIXELS, mean=CIFAR10_MEAN, std=[0.2, 0, 0.2]), "std: [0.2, 0.0, 0.2] is out of range"),
    "std NaN": (changed(PIXELS, mean=CIFAR10_MEAN, std=[0.2, np.nan, 0.2]), "std: [0.2, nan, 0.2] is out of range"),
    "mean infinite": (changed(FLOATS, mean=[np.inf] * 3, std=CIFAR10_STD), "mean: [inf, inf, inf] is out of range"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_no_network_can_be_fed_with_is_refused_with_its_repair(case: str) -> None:
    arrays, message = BAD[case]
    with pytest.raises(InvalidBatch) as caught:
        read(**arrays)
    assert message in str(caught.value)
    assert caught.value.faults
    assert all(fault.at and fault.problem and fault.repair for fault in caught.value.faults)


def test_independent_faults_are_reported_together() -> None:
    with pytest.raises(InvalidBatch) as caught:
        read(images=np.zeros((2, 3, 6, 8), "f4"), labels=np.zeros(2), mean=[0.5], std=[0.5, 0.5, 0.5])
    assert [fault.at for fault in caught.value.faults] == ["images", "labels", "mean"]


def test_the_name_is_checked_too() -> None:
    with pytest.raises(InvalidBatch, match="no name for a batch of your own"):
        read_npz(npz(**FLOATS), name="cifar10:train[0:8]")


def test_labels_that_do_not_fit_the_classes() -> None:
    batch = load_batch("cifar10:train[0:8]")
    check_labels(batch, 10)
    with pytest.raises(InvalidBatch) as caught:
        check_labels(batch, 9)
    assert str(caught.value) == (
        "labels[1]: label 9 of batch 'cifar10:train[0:8]' does not fit 9 classes; "
        "use at least 10 classes, or another batch"
    )
