"""[T] The norm of the weights: how large the network was drawn.

Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS (ICLR 2021), arXiv:2101.08134, where it is a baseline that
sees no data.
"""

from __future__ import annotations

from proxy.proxies._base import ProxyResult
from proxy.proxies.layer_sums import layer_sum
from proxy.scaled import Scaled
from proxy.subject import Subject


def compute(subject: Subject) -> ProxyResult:
    """Sum over convolutions and linear layers of the L2 norm of the weight, in float64."""
    net = subject.network(batch_norm=True)
    return layer_sum(net, {layer.name: Scaled(net.theta[layer.weight].double().norm()) for layer in net.layers})
