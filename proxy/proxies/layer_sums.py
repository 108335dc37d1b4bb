"""[T] Proxies that are a sum over layers of something of a weight and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from proxy.errors import ZeroGradient
from proxy.nets import ScorableNet
from proxy.proxies._base import LayerScore, ProxyResult
from proxy.scaled import Scaled
from proxy.training_pass import TrainingPass, magnitude


def over_layers(training: TrainingPass, part: Callable[[Tensor, Tensor], Tensor]) -> ProxyResult:
    """Sum over convolutions and linear layers of `part(weight, gradient)`, which is homogeneous in the gradient.

    Raises:
        ZeroGradient: the gradient of the loss is zero.
    """
    parts = {}
    for layer in training.net.layers:
        if (gradient := training.gradients.get(layer.weight)) is not None:
            weight = training.theta[layer.weight].detach().double()
            parts[layer.name] = Scaled(part(weight, gradient.value.double()), gradient.exponent)
    if not any(bool(gradient.value.any()) for gradient in training.gradients.values()):
        raise ZeroGradient("the loss does not depend on any weight")
    return layer_sum(training.net, parts)


def layer_sum(net: ScorableNet, parts: Mapping[str, Scaled]) -> ProxyResult:
    """The sum of what layers add; those that are not in `parts` add zero."""
    values = {name: magnitude(part) for name, part in parts.items()}
    layers = tuple(LayerScore(layer.name, layer.stage, values.get(layer.name, 0.0), {}) for layer in net.layers)
    return ProxyResult(sum(layer.value for layer in layers), layers=layers)
