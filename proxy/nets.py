"""[T] A network as a pure function of its parameters: what a space builds and what a proxy reads.

A network holds no state: `forward(theta, x_NCHW)` takes every parameter from `theta`, so the robust twin of CRoZe is
the same network called with other parameters, and no module tree is built or copied for an architecture.

Shape suffixes: N images, C channels, H height, W width, K classes; weights are out, in per group, height, width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

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

    @property
    def weight(self) -> str:
        """Name of its weight in `Theta`."""
        return f"{self.name}.weight"


@dataclass(frozen=True, slots=True)
class Output:
    """What one forward pass yields."""

    logits_NK: Tensor
    features: tuple[Tensor | None, ...]
    """One per stage; None where the feature cannot reach the logits and was not computed."""


class ScorableNet(ABC):
    """An untrained network with drawn weights.

    Attributes:
        theta: every parameter of the architecture, as drawn in float32 on the CPU, in construction order. Shared
            between architectures: never written to.
        layers: every convolution and linear layer of the architecture, in construction order.
    """

    def __init__(self, theta: Theta, layers: tuple[Layer, ...]) -> None:
        self.theta = theta
        self.layers = layers

    @abstractmethod
    def forward(self, theta: Theta, x_NCHW: Tensor) -> Output:
        """Run the network in training mode with the given parameters."""


def conv(
    theta: Theta, name: str, x_NCHW: Tensor, *, stride: int | tuple[int, int] = 1, padding: int | tuple[int, int] = 0,
    dilation: int = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolve with the weight and, if there is one, the bias of layer `name`."""
    return F.conv2d(x_NCHW, theta[f"{name}.weight"], theta.get(f"{name}.bias"), stride, padding, dilation, groups)


def batch_norm(theta: Theta, name: str, x_NCHW: Tensor) -> Tensor:
    """Normalise by the batch's own statistics (biased variance), then scale and shift if `theta` says how."""
    scale, shift = theta.get(f"{name}.bn.weight"), theta.get(f"{name}.bn.bias")
    return F.batch_norm(x_NCHW, None, None, scale, shift, training=True, eps=BATCH_NORM_EPS)


def avg_pool_3x3(x_NCHW: Tensor, stride: int = 1) -> Tensor:
    """3x3 average that leaves padded positions out of the count, as every cell space does."""
    return F.avg_pool2d(x_NCHW, 3, stride, 1, count_include_pad=False)


def max_pool_3x3(x_NCHW: Tensor, stride: int = 1) -> Tensor:
    """3x3 maximum."""
    return F.max_pool2d(x_NCHW, 3, stride, 1)


def pooled_logits(theta: Theta, name: str, x_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Global average pool and linear layer `name`: (pooled_NC, logits_NK)."""
    pooled_NC = x_NCHW.mean(dim=(2, 3))
    return pooled_NC, F.linear(pooled_NC, theta[f"{name}.weight"], theta[f"{name}.bias"])


class NodeValues(dict[int, Tensor]):
    """The states of a cell while it runs, each rectified at most once however many operations read it."""

    def __init__(self) -> None:
        super().__init__()
        self._rectified: dict[int, Tensor] = {}

    def relu(self, node: int) -> Tensor:
        """ReLU of a node's value."""
        if node not in self._rectified:
            self._rectified[node] = torch.relu(self[node])
        return self._rectified[node]
