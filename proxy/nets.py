"""[T] A network as a pure function of its parameters: what a space builds and what a proxy reads.

A network holds no state: `forward(theta, x_NCHW)` takes every parameter from `theta`, so the robust twin of CRoZe is
the same network called with other parameters, and no module tree is built or copied for an architecture.

Activations carry a power of two (`proxy.scaled`), so that they keep their range in any precision.

Shape suffixes: N images, C channels, H height, W width, K classes; weights are out, in per group, height, width.
"""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from proxy.forward_trace import tell_convolved, tell_normalised, tell_rectified
from proxy.kernels import Pair, average_3x3, convolve, convolve_in_float32
from proxy.scaled import Scaled, at_scale

Theta: TypeAlias = Mapping[str, Tensor]
"""Parameters by name: "<layer>.weight", "<layer>.bias"; batch norm has "<layer>.bn.weight" and "<layer>.bn.bias"."""

#: torch.nn.BatchNorm2d's default, which both spaces' official networks use.
BATCH_NORM_EPS = 1e-5


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or linear layer of the architecture."""

    name: str
    stage: int
    """Index of the stage feature that this layer is scored against."""
    reaches_output: bool
    """Whether what it computes can reach the logits. If not, it is never run and its gradient is zero."""
    always_double: bool = False
    """Whether its weight is kept in float64 whatever the precision."""

    @property
    def weight(self) -> str:
        """Name of its weight in `Theta`."""
        return f"{self.name}.weight"


@dataclass(frozen=True, slots=True)
class Output:
    """What one forward pass yields."""

    logits_NK: Scaled
    features: tuple[Scaled | None, ...]
    """One per stage; None where the feature cannot reach the logits and was not computed."""


class ScorableNet(ABC):
    """An untrained network with drawn weights.

    Attributes:
        theta: every parameter of the architecture, as drawn in float32 on the CPU, in construction order. Shared
            between architectures: never written to.
        layers: every convolution and linear layer of the architecture, in construction order.
        needs_double: whether more digits cancel in its backward pass than float32 has.
    """

    needs_double: bool = False

    def __init__(self, theta: Theta, layers: tuple[Layer, ...]) -> None:
        self.theta = theta
        self.layers = layers

    def parameters(self, like: Tensor) -> dict[str, Tensor]:
        """`theta` in the precision and on the device of `like`; layers that want float64 get it."""
        double = tuple(f"{layer.name}." for layer in self.layers if layer.always_double)
        return {
            name: value.to(like.device, torch.float64 if name.startswith(double) else like.dtype)
            for name, value in self.theta.items()
        }

    @abstractmethod
    def forward(self, theta: Theta, x_NCHW: Scaled) -> Output:
        """Run the network in training mode with the given parameters."""


def conv(
    theta: Theta,
    name: str,
    x_NCHW: Scaled,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Scaled:
    """Convolve with the weight and, if there is one, the bias of layer `name`."""
    weight, bias = theta[f"{name}.weight"], theta.get(f"{name}.bias")
    if bias is not None:
        bias = at_scale(bias, x_NCHW.exponent)
    y_NCHW = x_NCHW.map(
        lambda x: convolve(
            x, weight, bias, stride=_pair(stride), padding=_pair(padding), dilation=dilation, groups=groups
        )
    )
    return tell_convolved(name, y_NCHW)


def conv_in_float32(theta: Theta, name: str, x_NCHW: Scaled, *, stride: int = 1, padding: int = 0) -> Scaled:
    """Convolve float64 values, with the products in float32. The layer has no bias."""
    weight = theta[f"{name}.weight"]
    y_NCHW = x_NCHW.map(lambda x: convolve_in_float32(x, weight, stride=_pair(stride), padding=_pair(padding)))
    return tell_convolved(name, y_NCHW)


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else value


def batch_norm(theta: Theta, name: str, x_NCHW: Scaled) -> Scaled:
    """Normalise by the batch's own statistics (biased variance), then scale and shift if `theta` says how."""
    scale, shift = theta.get(f"{name}.bn.weight"), theta.get(f"{name}.bn.bias")
    # The variance of `value` is 2**(-2 exponent) times the true one, and so must be what is added to it.
    eps = max(math.ldexp(BATCH_NORM_EPS, -2 * x_NCHW.exponent), sys.float_info.min)
    tell_normalised(x_NCHW)
    return Scaled(F.batch_norm(x_NCHW.value, None, None, scale, shift, training=True, eps=eps))


def avg_pool_3x3(x_NCHW: Scaled, stride: int = 1) -> Scaled:
    """3x3 average that leaves padded positions out of the count, as every cell space does."""
    return x_NCHW.map(lambda x: average_3x3(x, stride))


def max_pool_3x3(x_NCHW: Scaled, stride: int = 1) -> Scaled:
    """3x3 maximum."""
    return x_NCHW.map(lambda x: F.max_pool2d(x, 3, stride, 1))


def pooled_logits(theta: Theta, name: str, x_NCHW: Scaled) -> tuple[Scaled, Scaled]:
    """Global average pool and linear layer `name`: (pooled_NC, logits_NK)."""
    pooled_NC = x_NCHW.map(lambda x: x.mean(dim=(2, 3)))
    weight, bias = theta[f"{name}.weight"], at_scale(theta[f"{name}.bias"], x_NCHW.exponent)
    return pooled_NC, tell_convolved(name, pooled_NC.map(lambda x: F.linear(x, weight, bias)))


def relu(x_NCHW: Scaled) -> Scaled:
    """ReLU, as the first part of one operation."""
    return tell_rectified(x_NCHW.relu())


class NodeValues(dict[int, Scaled]):
    """The states of a cell while it runs, each rectified at most once however many operations read it."""

    def __init__(self) -> None:
        super().__init__()
        self._rectified: dict[int, Scaled] = {}

    def relu(self, node: int) -> Scaled:
        """ReLU of a node's value."""
        if node not in self._rectified:
            self._rectified[node] = self[node].relu()
        return tell_rectified(self._rectified[node])
