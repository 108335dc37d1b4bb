"""[T] PyTorch's default initialisation, drawn from one seeded generator, without modules and without global state.

`torch.nn.Conv2d` and `torch.nn.Linear` draw their weight from kaiming_uniform(a=sqrt 5), then their bias from
uniform(-1/sqrt(fan_in), 1/sqrt(fan_in)). Drawn in the order in which the official code constructs its layers, from
a generator seeded the same way, the numbers are the same bit for bit. They are always drawn in float32 on the CPU:
in float64 the stream of random numbers, and so the score, is another one (up to 36 % off).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.init import kaiming_uniform_


class Drawing:
    """Draws the parameters of layers, one after the other.

    Attributes:
        drawn: layer -> name of a parameter -> its value, in the order of drawing.
    """

    def __init__(self, seed: int) -> None:
        self.drawn: dict[str, dict[str, Tensor]] = {}
        self._generator = torch.Generator("cpu").manual_seed(seed)

    def conv(
        self,
        name: str,
        shape_OIHW: tuple[int, int, int, int],
        *,
        bias: bool = False,
        batch_norm: bool = False,
    ) -> None:
        """A convolution's weight (and bias), and the parameters of the batch norm that follows it, if any.

        Args:
            shape_OIHW: output channels, input channels per group, height, width.
        """
        self._weight_and_bias(name, shape_OIHW, bias=bias)
        if batch_norm:
            self.batch_norm(name, shape_OIHW[0])

    def linear(self, name: str, inputs: int, outputs: int) -> None:
        """A linear layer's weight and bias."""
        self._weight_and_bias(name, (outputs, inputs), bias=True)

    def batch_norm(self, name: str, channels: int) -> None:
        """Scale one and shift zero: nothing is drawn."""
        parameters = self.drawn.setdefault(name, {})
        parameters[f"{name}.bn.weight"] = torch.ones(channels, dtype=torch.float32)
        parameters[f"{name}.bn.bias"] = torch.zeros(channels, dtype=torch.float32)

    def _weight_and_bias(self, name: str, shape: tuple[int, ...], *, bias: bool) -> None:
        parameters = self.drawn.setdefault(name, {})
        weight = torch.empty(shape, dtype=torch.float32)
        parameters[f"{name}.weight"] = kaiming_uniform_(weight, a=math.sqrt(5), generator=self._generator)
        if bias:
            bound = 1 / math.sqrt(math.prod(shape[1:]))
            drawn = torch.empty(shape[0], dtype=torch.float32)
            parameters[f"{name}.bias"] = drawn.uniform_(-bound, bound, generator=self._generator)
