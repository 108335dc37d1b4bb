"""[T] Fisher: how much the loss depends on each channel.

Theis et al.: Faster gaze prediction with dense networks and Fisher pruning (2018), and Turner et al.: BlockSwap
(ICLR 2020), summed over a network after Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS (ICLR 2021),
arXiv:2101.08134, Section 3.
"""

from __future__ import annotations

from proxy.errors import ZeroGradient
from proxy.proxies._base import ProxyResult
from proxy.proxies.layer_sums import layer_sum
from proxy.scaled import Scaled
from proxy.subject import Subject


def compute(subject: Subject) -> ProxyResult:
    """Sum over channels of half the mean over images of s^2, with s the sum over positions of a layer's output times
    the gradient of the loss. Outputs are taken before batch norm; the linear layer counts as well.

    Raises:
        ZeroGradient: the loss depends on no output.
    """
    training = subject.training_pass
    parts = {name: _channels(saliency) for name, saliency in training.saliencies.items()}
    if not any(bool(part.value) for part in parts.values()):
        raise ZeroGradient("the loss does not depend on the output of any layer")
    return layer_sum(training.net, parts)


def _channels(saliency_NC: Scaled) -> Scaled:
    squared_C = saliency_NC.value.double().square().mean(dim=0)
    return Scaled(squared_C.sum() / 2, 2 * saliency_NC.exponent)
