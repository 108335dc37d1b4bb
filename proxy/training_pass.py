"""[T] One forward pass of the network that people train, with batch norm, and what its backward passes give.

Most baseline proxies look at this network on a batch, each at something else. They share the forward pass and the
gradients: each part is computed when a proxy first asks for it, and never twice.

They ask for float64. Batch statistics and ReLUs near zero make the gradients of some of these networks sensitive: in
float32 SNIP is up to 0.6 % off, and `plain`, in which terms cancel, 21 % (60 random NAS-Bench-201 cells).

Shape suffixes: N images, C channels, H height, W width, D pixels of an image, K classes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor

from proxy.forward_trace import traced
from proxy.nets import ScorableNet
from proxy.passes import loss_gradient
from proxy.scaled import Scaled


class TrainingPass:
    """A network with batch norm on a batch, in training mode.

    Attributes:
        theta: its parameters, in the precision of the images.
    """

    def __init__(self, net: ScorableNet, images_NCHW: Tensor, labels_N: Tensor) -> None:
        self.net = net
        self.theta = net.parameters(images_NCHW)
        self._labels_N = labels_N
        self._images_NCHW = images_NCHW.detach().requires_grad_()
        self._weights = [layer.weight for layer in net.layers if layer.reaches_output]
        for name in self._weights:
            self.theta[name].requires_grad_()
        with traced() as trace:
            self._logits_NK = net.forward(self.theta, Scaled(self._images_NCHW)).logits_NK
        self._trace = trace

    @cached_property
    def gradients(self) -> Mapping[str, Scaled]:
        """Of the mean cross entropy, by name of the weight. Weights that cannot reach the logits are left out."""
        values, exponent = self._of_loss([self.theta[name] for name in self._weights])
        return {name: Scaled(value, exponent) for name, value in zip(self._weights, values, strict=True)}

    @cached_property
    def saliencies(self) -> Mapping[str, Scaled]:
        """Layer -> per image and channel, the sum over positions of output times gradient of the loss: [N, C]."""
        outputs = {name: output.value for name, output in self._trace.convolved.items()}
        gradients, exponent = self._of_loss([*outputs.values()])
        # An output's power of two is taken off its gradient, so that none is left in the product.
        return {
            name: Scaled(_over_positions(output.detach() * gradient), exponent)
            for (name, output), gradient in zip(outputs.items(), gradients, strict=True)
        }

    @cached_property
    def jacobian(self) -> Tensor:
        """Gradient of the sum of the logits with respect to each image, up to a factor, in float64: [N, D]."""
        logits_NK = self._logits_NK.value
        (gradient_NCHW,) = self._backward([self._images_NCHW], torch.ones_like(logits_NK))
        return gradient_NCHW.flatten(1).double()

    @property
    def largest_logit(self) -> float:
        """Magnitude, up to the same factor as that of `jacobian`."""
        return float(self._logits_NK.value.detach().abs().amax())

    @cached_property
    def agreement(self) -> Tensor:
        """How many of all ReLU outputs are positive for both of two images, or for neither, in float64: [N, N]."""
        # One value that several operations rectify counts for each.
        readers = Counter(id(each) for each in self._trace.rectified)
        distinct = {id(each): each.value.detach() for each in self._trace.rectified}
        total_NN = self._images_NCHW.new_zeros((len(self._images_NCHW),) * 2, dtype=torch.float64)
        for key, value in distinct.items():
            # Whole numbers, of which float32 holds those up to 2**24 exactly.
            signs_ND = (value > 0).flatten(1).float() * 2 - 1
            total_NN += readers[key] * (signs_ND @ signs_ND.T + signs_ND.shape[1]).double() / 2
        return total_NN

    def _of_loss(self, sources: list[Tensor]) -> tuple[tuple[Tensor, ...], int]:
        """Gradients of the loss with respect to tensors, and the power of two that they all carry."""
        start_NK = loss_gradient(self._logits_NK.detach(), self._labels_N)
        exponent = self._logits_NK.exponent + start_NK.exponent
        return self._backward(sources, start_NK.value.to(self._logits_NK.value)), exponent

    def _backward(self, sources: list[Tensor], start_NK: Tensor) -> tuple[Tensor, ...]:
        logits_NK = self._logits_NK.value
        return torch.autograd.grad(logits_NK, sources, start_NK, retain_graph=True, materialize_grads=True)


def _over_positions(x: Tensor) -> Tensor:
    """[N, C, H, W] or, of the linear layer, [N, C] -> [N, C]."""
    return x.flatten(2).sum(dim=2) if x.ndim > 2 else x


def magnitude(number: Scaled) -> float:
    """A scalar as a float. Beyond its range: infinite, or zero."""
    try:
        return math.ldexp(float(number.value.detach()), number.exponent)
    except OverflowError:
        return math.copysign(math.inf, float(number.value))
