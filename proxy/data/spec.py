"""What a batch is: the images and labels a proxy sees, and the digest that names them. Torch-free.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from proxy.spaces._base import ImageShape

FloatArray: TypeAlias = npt.NDArray[np.float32]
LabelArray: TypeAlias = npt.NDArray[np.int64]

DEFAULT_BATCH: Final = "cifar10:train[0:8]"

# What any batch may be, wherever it comes from. CRoZe is meant for a handful of small images; the limits keep a
# hostile name or file from filling the memory of the process that only wants its digest.
MAX_IMAGES: Final = 1024
MIN_SIDE: Final = 4
MAX_SIDE: Final = 256
SIDE_MULTIPLE: Final = 4
"""Networks halve the image twice: `Space.image_multiple`."""
MAX_VALUES: Final = 2**24
"""N*C*H*W at most: 64 MiB as float32."""
MIN_CLASSES: Final = 2
MAX_CLASSES: Final = 1000
CHANNELS: Final = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """A named batch. Everything a proxy can see of it is in `digest`. Shared through a cache: never written to."""

    name: str
    images_NCHW: FloatArray
    """Normalised, float32, C-contiguous."""
    labels_N: LabelArray
    """Each at least 0 and below `classes`."""
    classes: int
    mean: tuple[float, ...] | None = None
    """Per-channel mean of the normalisation; None if unknown (images taken as given)."""
    std: tuple[float, ...] | None = None
    """Per-channel standard deviation of the normalisation; None if unknown."""

    @cached_property
    def digest(self) -> str:
        """ "sha256:<64 hex>" of shape, images, labels and, where known, mean and std. The name is not in it."""
        hasher = hashlib.sha256()
        hasher.update(repr((self.images_NCHW.shape, self.mean, self.std)).encode())
        hasher.update(self.images_NCHW.astype("<f4", copy=False).tobytes())
        hasher.update(self.labels_N.astype("<i8", copy=False).tobytes())
        return f"sha256:{hasher.hexdigest()}"

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self.labels_N)

    @property
    def image(self) -> ImageShape:
        """Shape of one image."""
        _, channels, height, width = self.images_NCHW.shape
        return ImageShape(channels=channels, height=height, width=width)
