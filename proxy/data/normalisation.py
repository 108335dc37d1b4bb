"""From stored pixels to what networks see: x / 255, minus the mean, divided by the standard deviation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from proxy.data.spec import FloatArray


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Per-channel constants, in units of pixels / 255."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


#: The constants that CRoZe and NAS-Bench-201 use for CIFAR-10, rounded as they round them.
CIFAR10: Final = Normalisation((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
#: As in NAS-Bench-201 (Dong & Yang, ICLR 2020), which gives them in units of pixels.
CIFAR100: Final = Normalisation(
    (129.3 / 255, 124.1 / 255, 112.4 / 255),
    (68.2 / 255, 65.4 / 255, 70.4 / 255),
)
#: As in NAS-Bench-201, for the 16 x 16 ImageNet of Chrabaszcz et al. (2017).
IMAGENET16: Final = Normalisation(
    (122.68 / 255, 116.66 / 255, 104.01 / 255),
    (63.22 / 255, 61.26 / 255, 65.09 / 255),
)


def normalise(pixels_NHWC: npt.NDArray[np.uint8], constants: Normalisation) -> FloatArray:
    """Pixels 0..255 as normalised float32 NCHW, C-contiguous.

    Every operation is in float32 and in this order: the golden scores depend on the roundings.
    """
    images_NHWC = pixels_NHWC.astype(np.float32) / np.float32(255)
    images_NHWC -= np.asarray(constants.mean, np.float32)
    images_NHWC /= np.asarray(constants.std, np.float32)
    return np.ascontiguousarray(images_NHWC.transpose(0, 3, 1, 2))
