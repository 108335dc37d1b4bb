"""[T] The norm of the gradient.

Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS (ICLR 2021), arXiv:2101.08134, Section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor

from proxy.proxies._base import ProxyResult
from proxy.proxies.layer_sums import over_layers
from proxy.subject import Subject


def compute(subject: Subject) -> ProxyResult:
    """Sum over layers of the L2 norm of the gradient of the loss with respect to the layer's weight.

    Raises:
        ZeroGradient: the loss depends on no weight.
    """
    return over_layers(subject.training_pass, _norm)


def _norm(weight: Tensor, gradient: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(gradient)
    return norm
