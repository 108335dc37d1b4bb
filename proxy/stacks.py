"""[T] Tensors of one shape side by side, each with a power of two of its own: what cosines are taken of.

A network has a hundred small weights and only some shapes. Compared one by one, most of the time would go into
calling torch.

Shape suffixes: L members of the stack, O the dimension along which cosines are taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from proxy.errors import RangeLost
from proxy.scaled import dtype_name

#: Floor of each norm in a cosine, as in torch.nn.CosineSimilarity.
COSINE_FLOOR = 1e-8
#: Peaks are brought to 2**SQUARABLE: a square and a sum of 2**20 of them stay in range, and so does the square of a
#: number 2**100 times smaller.
SQUARABLE = {torch.float32: 50, torch.float64: 400}
#: Numbers in a stack: half a megabyte in float32, which a core's second cache holds beside another one.
LARGEST_STACK = 2**17


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """`value_LO[i] * 2**exponents[i]` for each member."""

    value_LO: Tensor
    exponents: tuple[int, ...]

    @classmethod
    def of(cls, tensors: Sequence[Tensor], exponent: int = 0) -> Stack:
        """Tensors of one shape that have one exponent."""
        return cls(torch.stack([*tensors]), (exponent,) * len(tensors))

    def flat(self) -> Stack:
        """Each member as one vector."""
        return Stack(self.value_LO.flatten(1), self.exponents)

    def to(self, dtype: torch.dtype) -> Stack:
        """The same numbers in another precision."""
        return Stack(self.value_LO.to(dtype), self.exponents)

    def raised(self) -> Stack:
        """The same numbers, each member with its largest magnitude near 2**SQUARABLE.

        Raises:
            RangeLost: a number is not finite.
        """
        dtype = self.value_LO.dtype
        peaks = self.value_LO.abs().flatten(1).amax(dim=1).tolist()
        if not all(map(math.isfinite, peaks)):
            raise RangeLost(f"a value left the range of {dtype_name(dtype)}")
        shifts = [SQUARABLE[dtype] - math.frexp(peak)[1] if peak else 0 for peak in peaks]
        value_LO, left = self.value_LO, shifts
        while any(left):
            # In steps: 2**shift itself may be out of range.
            step = [max(min(shift, SQUARABLE[dtype]), -SQUARABLE[dtype]) for shift in left]
            value_LO = value_LO * self._per_member([2.0**bits for bits in step])
            left = [shift - bits for shift, bits in zip(left, step, strict=True)]
        return Stack(value_LO, tuple(e - shift for e, shift in zip(self.exponents, shifts, strict=True)))

    def norms(self) -> Tensor:
        """Norm of each member's value, its exponent aside, in the shape that multiplies the stack."""
        flat = self.value_LO.flatten(1)
        norm_L = (flat * flat).sum(dim=1).sqrt()
        return norm_L.reshape(-1, *(1,) * (self.value_LO.dim() - 1))

    def floors(self) -> Tensor:
        """1e-8 at the scale of each member's value; above zero, for what is divided by it."""
        smallest = torch.finfo(self.value_LO.dtype).tiny
        floors = [max(math.ldexp(COSINE_FLOOR, min(-exponent, 1000)), smallest) for exponent in self.exponents]
        return self._per_member(floors)[:, 0]

    def _per_member(self, numbers: Iterable[float]) -> Tensor:
        """One number a member, in the shape that multiplies the stack. Too large a one becomes infinity."""
        value_LO = self.value_LO
        per_member = torch.tensor([*numbers], dtype=torch.float64).to(value_LO.device, value_LO.dtype)
        return per_member.reshape(-1, *(1,) * (value_LO.dim() - 1))


def cosines(a: Stack, b: Stack) -> Tensor:
    """Cosine along O at every other position. Each norm is floored at 1e-8, so a zero vector gives 0.

    Both have to be `raised`, or else be known to be near one.

    Returns:
        Shape of the stacks without O.

    Raises:
        RangeLost: a norm is not finite. Its cosine would come out as zero, and the score too low without any error.
    """
    x_LO, y_LO = a.value_LO, b.value_LO
    norm_x = (x_LO * x_LO).sum(dim=1).sqrt_()
    norm_y = (y_LO * y_LO).sum(dim=1).sqrt_()
    if not math.isfinite(float(norm_x.amax()) + float(norm_y.amax())):
        raise RangeLost(f"a norm left the range of {dtype_name(x_LO.dtype)}")
    dot = (x_LO * y_LO).sum(dim=1)
    return dot.div_(torch.maximum(norm_x, a.floors())).div_(torch.maximum(norm_y, b.floors()))


def total(a: Stack, b: Stack) -> Stack:
    """The sum of each two members. What is too small to be seen beside the other is dropped."""
    exponents = tuple(map(max, a.exponents, b.exponents))

    def brought(stack: Stack) -> Tensor:
        factors = [math.ldexp(1.0, had - e) for had, e in zip(stack.exponents, exponents, strict=True)]
        return stack.value_LO if set(factors) == {1.0} else stack.value_LO * stack._per_member(factors)

    return Stack(brought(a) + brought(b), exponents)


def alike(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, ...]]:
    """Names of tensors that can be stacked: of one shape and precision, and not too many numbers together."""
    groups: dict[tuple[torch.Size, torch.dtype], list[str]] = {}
    for name, tensor in tensors.items():
        groups.setdefault((tensor.shape, tensor.dtype), []).append(name)
    for (shape, _), names in groups.items():
        most = max(1, LARGEST_STACK // math.prod(shape))
        for start in range(0, len(names), most):
            yield tuple(names[start : start + most])
