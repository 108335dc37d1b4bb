"""[T] Forward and backward passes over a network, in any precision.

A network's logits come as `value * 2**exponent` (`proxy.scaled`). The loss is taken of the true logits, in float64, and
its gradient is sent back from `value`. Every gradient is then the true one up to a power of two that is known: that of
the logits, times what the loss gradient itself was rescaled by.

Shape suffixes: N images, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from proxy.errors import RangeLost
from proxy.nets import ScorableNet, Theta
from proxy.scaled import FURTHEST_APART, Scaled


@dataclass(frozen=True, eq=False)
class Pass:
    """What one forward and backward pass leaves behind."""

    features: tuple[Scaled | None, ...]
    """One per stage; None where it cannot reach the logits."""
    gradients: Mapping[str, Scaled]
    """Of the loss, by name of the parameter."""
    image_gradient_NCHW: Tensor | None = None
    """Of the loss, up to a positive factor. None unless asked for."""


def run(
    net: ScorableNet,
    theta: Theta,
    x_NCHW: Tensor,
    y_N: Tensor,
    *,
    wanted: tuple[str, ...],
    image_gradient: bool = False,
) -> Pass:
    """One forward and backward pass of the mean cross entropy.

    Args:
        wanted: names of the parameters whose gradients are wanted; they require grad.
        image_gradient: whether the gradient of the images is wanted too.

    Raises:
        RangeLost: an activation or a gradient left the range of the precision, or would lose its digits.
    """
    if net.needs_double and x_NCHW.dtype != torch.float64:
        raise RangeLost("more digits of this network's gradients cancel than float32 has")
    x_NCHW = x_NCHW.detach().requires_grad_(image_gradient)
    output = net.forward(theta, Scaled(x_NCHW))
    logits_NK = output.logits_NK
    start_NK = loss_gradient(logits_NK.detach(), y_N)
    sources = [*(theta[name] for name in wanted), *([x_NCHW] if image_gradient else [])]
    gradients: tuple[Tensor, ...] = ()
    if logits_NK.value.requires_grad:
        # Zeros where the logits do not depend on it: images whose network is cut off from them.
        start = start_NK.value.to(logits_NK.value)
        gradients = torch.autograd.grad(logits_NK.value, sources, start, materialize_grads=True)
    else:
        gradients = tuple(torch.zeros_like(source) for source in sources)
    if image_gradient:
        check_every_image_has_its_gradient(gradients[-1], start_NK.value)
    exponent = logits_NK.exponent + start_NK.exponent
    return Pass(
        tuple(None if z is None else z.detach() for z in output.features),
        {name: Scaled(gradient, exponent) for name, gradient in zip(wanted, gradients, strict=False)},
        gradients[-1] if image_gradient else None,
    )


def loss_gradient(logits_NK: Scaled, y_N: Tensor) -> Scaled:
    """Of the mean cross entropy with respect to the true logits: (softmax - one hot) / N, in float64."""
    value_NK = logits_NK.value.double()
    # Differences first: only they count, and the largest is then zero, which no power of two can overflow.
    below_NK = value_NK - value_NK.amax(dim=1, keepdim=True)
    probability_NK = torch.softmax(below_NK * math.ldexp(1.0, min(logits_NK.exponent, 1000)), dim=1)
    one_hot_NK = F.one_hot(y_N, value_NK.shape[1])
    return Scaled((probability_NK - one_hot_NK) / len(y_N)).rescaled()


def check_every_image_has_its_gradient(gradient_NCHW: Tensor, start_NK: Tensor) -> None:
    """Only signs are used of an image's gradient, so one that underflows is as wrong as one that overflows.

    An image may rightly have no gradient at all, if every ReLU it meets is closed. In float32 that looks the same as an
    underflow, so it is left to float64 to decide (0 of 250 random NAS-Bench-201 cells). There a zero is taken as true.

    Raises:
        RangeLost: the gradients of two images are too far apart for float32.
    """
    peak_N = gradient_NCHW.abs().amax(dim=(1, 2, 3)).double()
    # Either all images are cut off from the logits, or none.
    cut_off = float(peak_N.amax()) == 0
    if cut_off or gradient_NCHW.dtype == torch.float64:
        return
    # An image that the loss does not see at all (softmax saturated, label right) has no gradient, rightly.
    seen_N = start_NK.abs().amax(dim=1) > 0
    smallest = float(torch.where(seen_N, peak_N, torch.inf).amin())
    if not smallest > math.ldexp(1.0, -FURTHEST_APART[gradient_NCHW.dtype]):
        raise RangeLost("the gradients of two images are too far apart for float32")
