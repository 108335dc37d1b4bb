"""[T] SNIP: how much the loss depends on each weight.

Lee, Ajanthan, Torr: SNIP (ICLR 2019), summed over a network after Abdelfattah et al.: Zero-Cost Proxies for Lightweight
NAS (ICLR 2021), arXiv:2101.08134, Section 3.
"""

from __future__ import annotations

from torch import Tensor

from proxy.proxies._base import ProxyResult
from proxy.proxies.layer_sums import over_layers
from proxy.subject import Subject


def compute(subject: Subject) -> ProxyResult:
    """Sum over all weights of |weight times gradient of the loss|.

    Raises:
        ZeroGradient: the loss depends on no weight.
    """
    return over_layers(subject.training_pass, _saliency)


def _saliency(weight: Tensor, gradient: Tensor) -> Tensor:
    return (weight * gradient).abs().sum()
