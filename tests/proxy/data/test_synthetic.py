"""Seeded synthetic images."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from proxy.data import load_batch

# Changing either changes every score that was ever computed on these images.
DIGESTS = {
    "synthetic:seed=0[0:8]": "sha256:58f2b070459c37eca59372ee07676ac63d5acba213a45e86960e022073ec6ef9",
    "synthetic:seed=3,classes=100,size=8[2:4]": (
        "sha256:4d7bf01fc5154f3333ddb07ae88710677e5c7781078b9f9c2ecf2e08141615a2"
    ),
}


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_never_change(name: str) -> None:
    batch = load_batch(name)
    assert batch.digest == DIGESTS[name]
    assert batch.name == name


def test_shape_classes_and_labels_are_as_asked() -> None:
    batch = load_batch("synthetic:seed=1,classes=120,size=16[0:512]")
    assert batch.images_NCHW.shape == (512, 3, 16, 16)
    assert batch.images_NCHW.dtype == np.float32
    assert batch.classes == 120
    assert set(batch.labels_N.tolist()) <= set(range(120))
    assert len(set(batch.labels_N.tolist())) > 100  # 512 draws of 120 miss fewer than 2 in the mean.


def test_pixels_are_uniform_and_normalised() -> None:
    batch = load_batch("synthetic:seed=2[0:64]")
    mean, std = (np.array(values)[:, None, None] for values in (batch.mean, batch.std))
    pixels = (batch.images_NCHW * std + mean) * 255
    np.testing.assert_allclose(pixels, pixels.round(), atol=1e-4)
    counts = np.bincount(pixels.round().astype(int).ravel(), minlength=256)
    assert counts.min() > 0.8 * counts.mean()
    assert counts.max() < 1.2 * counts.mean()


def test_an_image_is_the_same_in_every_slice() -> None:
    whole = load_batch("synthetic:seed=5[0:8]")
    part = load_batch("synthetic:seed=5[3:6]")
    np.testing.assert_array_equal(part.images_NCHW, whole.images_NCHW[3:6])
    np.testing.assert_array_equal(part.labels_N, whole.labels_N[3:6])


def test_the_seed_changes_every_image() -> None:
    one, other = (load_batch(f"synthetic:seed={seed}[0:8]") for seed in (0, 1))
    assert not (one.images_NCHW == other.images_NCHW).all(axis=(1, 2, 3)).any()


def test_another_spelling_is_the_same_batch() -> None:
    assert load_batch("synthetic:size=32,seed=0[0:8]") is load_batch("synthetic:seed=0[0:8]")


def test_the_first_pixel_is_the_first_byte_of_the_documented_stream() -> None:
    expected = hashlib.shake_256(b"croze/synthetic/1/pixels/0/32/0").digest(1)[0]
    batch = load_batch("synthetic:seed=0[0:8]")
    assert batch.images_NCHW[0, 0, 0, 0] == pytest.approx((expected / 255 - 0.4914) / 0.2023, rel=1e-5)
