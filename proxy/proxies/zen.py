"""[T] Zen-score: how expressive a network is, by how far its features move when its input does.

Lin et al.: Zen-NAS: A Zero-Shot NAS for High-Performance Deep Image Recognition (ICCV 2021), arXiv:2102.01063,
Algorithm 1. Weights and images are drawn from N(0, 1): of the batch only its size and shape count.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxy.errors import NonFinite
from proxy.forward_trace import traced
from proxy.nets import BATCH_NORM_EPS, ScorableNet
from proxy.proxies._base import ProxyResult
from proxy.scaled import Scaled
from proxy.subject import Subject

#: Size of the second random image that is added to the first.
PERTURBATION = 0.01


def compute(subject: Subject) -> ProxyResult:
    """log of the mean over images of the L1 distance between the features before global pooling of x and of
    x + 0.01 x', plus the sum over batch norms of the log of the deviation that each took off.

    Departs from the paper: one draw instead of 32, and shortcuts stay (the paper removes the residual links of its own
    networks; cells have operations instead).

    Raises:
        NonFinite: the features do not depend on the images.
    """
    net, like_NCHW = subject.network(batch_norm=True), subject.batch.images_NCHW
    generator = torch.Generator("cpu").manual_seed(subject.seed)
    theta = gaussian_weights(net, like_NCHW, generator)
    x_NCHW, direction_NCHW = (_normal_like(like_NCHW, generator) for _ in range(2))
    with torch.no_grad():
        with traced() as trace:
            features_NCHW = net.forward(theta, Scaled(x_NCHW)).features[-2]
        moved_NCHW = net.forward(theta, Scaled(x_NCHW + PERTURBATION * direction_NCHW)).features[-2]
    assert features_NCHW is not None, "the last cell always runs"
    assert moved_NCHW is not None, "the last cell always runs"
    distance_N = (_plain(moved_NCHW) - _plain(features_NCHW)).abs().sum(dim=(1, 2, 3))
    distance = float(distance_N.mean())
    if not distance > 0:
        raise NonFinite("the features do not depend on the images")
    return ProxyResult(math.log(distance) + sum(log_deviation(x) for x in trace.normalised))


def gaussian_weights(net: ScorableNet, like: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """The network's parameters, with every weight that can reach the output drawn from N(0, 1) instead."""
    theta = net.parameters(like)
    for layer in net.layers:
        if layer.reaches_output:
            weight = theta[layer.weight]
            drawn = torch.randn(weight.shape, generator=generator, dtype=torch.float32)
            theta[layer.weight] = drawn.to(weight)
    return theta


def log_deviation(x_NCHW: Scaled) -> float:
    """log of the deviation that a batch norm takes off: the root of the mean over channels of the variance."""
    # Not `var`, which is ten times as slow.
    pixels_PC = x_NCHW.value.permute(0, 2, 3, 1).flatten(0, 2)
    mean_variance = float((pixels_PC - pixels_PC.mean(dim=0)).square().mean())
    return math.log(mean_variance * math.ldexp(1.0, 2 * x_NCHW.exponent) + BATCH_NORM_EPS) / 2


def _normal_like(like_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like_NCHW.shape, generator=generator, dtype=torch.float32)
    return torch.empty_like(like_NCHW).copy_(drawn)  # in the layout of the batch


def _plain(features: Scaled) -> Tensor:
    return features.value.double() * math.ldexp(1.0, features.exponent)
