"""Seeded synthetic images: noise that is the same for ever, on every machine.

Pixels and labels come from SHAKE-256 (FIPS 202), which is a standard; the streams of random number generators may
change with a release of their library. Each image has a stream of its own, so image i is the same in every slice.
"""

from __future__ import annotations

import hashlib

import numpy as np

from proxy.data.names import SYNTHETIC, BatchName, SyntheticOptions
from proxy.data.normalisation import CIFAR10, normalise
from proxy.data.spec import CHANNELS, Batch


def synthetic_batch(name: BatchName, options: SyntheticOptions) -> Batch:
    """The batch of that name: uniform pixels and labels, normalised with the CIFAR-10 constants.

    A label is 8 bytes modulo `classes`: the bias is below 1e-16.
    """
    indices = range(name.start, name.stop)
    shape_HWC = (options.size, options.size, CHANNELS)
    count = options.size**2 * CHANNELS
    pixels_NHWC = np.stack(
        [
            np.frombuffer(_stream(f"pixels/{options.seed}/{options.size}/{index}", count), np.uint8).reshape(shape_HWC)
            for index in indices
        ]
    )
    labels = [
        int.from_bytes(_stream(f"label/{options.seed}/{index}", 8), "little") % options.classes for index in indices
    ]
    return Batch(
        name=str(BatchName(f"{SYNTHETIC}:{options}", name.start, name.stop)),
        images_NCHW=normalise(pixels_NHWC, CIFAR10),
        labels_N=np.array(labels, np.int64),
        classes=options.classes,
        mean=CIFAR10.mean,
        std=CIFAR10.std,
    )


def _stream(purpose: str, length: int) -> bytes:
    return hashlib.shake_256(f"croze/synthetic/1/{purpose}".encode()).digest(length)
