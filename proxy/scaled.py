"""[T] Tensors that carry a power of two: numbers beyond the range of their type.

Absolute weights without batch norm make activations grow by a factor per layer: to 1e40 in NAS-Bench-201, beyond 1e308
in some DARTS networks. Between batch norms a network is positively homogeneous, f(c x) = c f(x) for c > 0, and CRoZe
uses nothing of features and gradients but their directions. So a tensor is held as `value * 2**exponent`: the value is
kept near one, the exponent is a Python integer. Multiplying by a power of two is exact, so where a plain float64 would
have stayed in range nothing changes but the last bits. docs/numerics.md explains it in a page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from proxy.errors import RangeLost

#: A value whose peak is within 2**-8 .. 2**8 is left as it is: bringing it back to one costs a pass over memory.
COMFORTABLE = 8
#: Two values further apart than this are not added: the gradient of the smaller one would leave the range, and may be
#: all that some layer has. Each type's range, less what a gradient needs below its peak.
FURTHEST_APART = {torch.float32: 100, torch.float64: 980}


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """`value * 2**exponent`."""

    value: Tensor
    exponent: int = 0

    def map(self, function: Callable[[Tensor], Tensor]) -> Scaled:
        """A positively homogeneous function of it."""
        return Scaled(function(self.value), self.exponent)

    def relu(self) -> Scaled:
        """ReLU."""
        return self.map(torch.relu)

    def to(self, dtype: torch.dtype) -> Scaled:
        """The same number in another precision."""
        return self.map(lambda value: value.to(dtype))

    def detach(self) -> Scaled:
        """The same number outside the graph."""
        return self.map(torch.Tensor.detach)

    def __add__(self, other: Scaled) -> Scaled:
        """Their sum, at the larger exponent.

        Raises:
            RangeLost: they are too far apart.
        """
        large, small = (self, other) if self.exponent >= other.exponent else (other, self)
        factor = down_by(large.exponent - small.exponent, small.value.dtype)
        return Scaled(torch.add(large.value, small.value, alpha=factor), large.exponent)

    def rescaled(self) -> Scaled:
        """The same number, with a value whose largest magnitude is near one.

        Raises:
            RangeLost: the value is not finite.
        """
        peak = float(self.value.detach().abs().amax())
        if not math.isfinite(peak):
            raise RangeLost(f"a value left the range of {dtype_name(self.value.dtype)}")
        _, shift = math.frexp(peak)
        if peak == 0 or abs(shift) <= COMFORTABLE:
            return self
        return Scaled(_shifted(self.value, -shift), self.exponent + shift)


def _shifted(value: Tensor, bits: int) -> Tensor:
    """`value * 2**bits`."""
    if abs(bits) <= FURTHEST_APART[value.dtype]:
        return value * 2.0**bits
    # In two steps: 2**bits itself may be out of range.
    half = bits // 2
    return value * 2.0**half * 2.0 ** (bits - half)


def concatenated(parts: Sequence[Scaled], dim: int) -> Scaled:
    """The parts side by side, at the largest of their exponents.

    Raises:
        RangeLost: they are too far apart.
    """
    exponent = max(part.exponent for part in parts)
    values = [
        part.value if part.exponent == exponent else part.value * down_by(exponent - part.exponent, part.value.dtype)
        for part in parts
    ]
    return Scaled(torch.cat(values, dim), exponent)


def at_scale(constant: Tensor, exponent: int) -> Tensor:
    """The value by which a number that is not scaled is added to one at `exponent`.

    Where a number grew to 2**exponent, a bias of order one may vanish beside it. That is right, and loses nothing.

    Raises:
        RangeLost: the number shrank so far that the constant would overflow beside it.
    """
    if -exponent > FURTHEST_APART[constant.dtype]:
        raise RangeLost(f"a bias is 2**{-exponent} times as large as what it is added to")
    return constant if exponent == 0 else constant * math.ldexp(1.0, -exponent)


def down_by(bits: int, dtype: torch.dtype) -> float:
    """2**-bits.

    Raises:
        RangeLost: a gradient multiplied by it would leave the range of `dtype`.
    """
    if bits > FURTHEST_APART[dtype]:
        raise RangeLost(f"values 2**{bits} apart meet in one sum, and {dtype_name(dtype)} cannot hold both")
    return 2.0**-bits


def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
