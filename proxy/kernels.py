"""[T] The few operations that networks here are made of, in the form that torch computes fastest on a CPU.

Each equals its namesake in `torch.nn.functional` up to rounding, and the tests hold it to that. What they know and a
general function does not: activations lie in memory channels last, kernels are odd, padding keeps the size. In other
layouts and on other devices the general function is used. docs/performance.md says what each form gains.

Shape suffixes: N images, C channels, H height, W width; weights are out, in per group, height, width.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

Pair: TypeAlias = tuple[int, int]

ONCE: Pair = (1, 1)
NOWHERE: Pair = (0, 0)
#: Fewer than this, and torch convolves float64 twice as fast channels first.
FEW_CHANNELS = 8


def channels_last(x_NCHW: Tensor) -> Tensor:
    """The same tensor with the channels of a pixel next to each other in memory."""
    return x_NCHW.contiguous(memory_format=torch.channels_last)


def convolve(
    x_NCHW: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: Pair = ONCE,
    padding: Pair = NOWHERE,
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    """`conv2d`."""
    if has_fast_form(x_NCHW) and stride == ONCE:
        if weight.shape[2:] == ONCE and groups == 1:
            # One matrix product over all pixels, and so is each of its gradients.
            x_NHWC = F.linear(x_NCHW.permute(0, 2, 3, 1), weight.flatten(1), bias)
            return x_NHWC.permute(0, 3, 1, 2)
        if groups == x_NCHW.shape[1] and groups > 1 and _keeps_size(weight, padding, dilation):
            return _Depthwise.apply(x_NCHW, weight, padding, dilation)  # type: ignore[no-any-return, no-untyped-call]
        if x_NCHW.dtype == torch.float64 and x_NCHW.shape[1] < FEW_CHANNELS:
            return channels_last(F.conv2d(x_NCHW.contiguous(), weight, bias, stride, padding, dilation, groups))
    return F.conv2d(x_NCHW, weight, bias, stride, padding, dilation, groups)


def convolve_in_float32(x_NCHW: Tensor, weight: Tensor, *, stride: Pair, padding: Pair) -> Tensor:
    """`conv2d` of float64 tensors whose products are taken in float32, those of the backward pass too.

    The gradient that arrives is brought near one first, by a power of two that is taken off again afterwards: in a
    reduction block it may be far below what float32 can hold.
    """
    return _InFloat32.apply(x_NCHW, weight, stride, padding)  # type: ignore[no-any-return, no-untyped-call]


def average_3x3(x_NCHW: Tensor, stride: int = 1) -> Tensor:
    """`avg_pool2d` of 3x3 with padding 1 that leaves padded positions out of the count."""
    if is_channels_last(x_NCHW) and stride == 1:
        return _Average3x3.apply(x_NCHW)  # type: ignore[no-any-return, no-untyped-call]
    if x_NCHW.device.type != "cpu":
        # torch's gradient of this pool is wrong on GPUs for channels last (seen in 2.11): not its digits, its values.
        x_NCHW = x_NCHW.contiguous()
    return F.avg_pool2d(x_NCHW, 3, stride, 1, count_include_pad=False)


def is_channels_last(x_NCHW: Tensor) -> bool:
    """Whether the channels of a pixel are next to each other in memory."""
    return x_NCHW.is_contiguous(memory_format=torch.channels_last)


def has_fast_form(x_NCHW: Tensor) -> bool:
    """Whether the special forms are the faster ones for it."""
    return x_NCHW.device.type == "cpu" and is_channels_last(x_NCHW)


class _Average3x3(torch.autograd.Function):
    """Sums of three along each axis in turn: a third of the additions, in long runs of memory."""

    @staticmethod
    def forward(ctx: Any, x_NCHW: Tensor) -> Tensor:
        return _box_3x3(x_NCHW).mul_(_shares(*x_NCHW.shape[2:], x_NCHW.dtype, x_NCHW.device))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_NCHW: Tensor) -> Tensor:
        return _box_3x3(gradient_NCHW * _shares(*gradient_NCHW.shape[2:], gradient_NCHW.dtype, gradient_NCHW.device))


def _box_3x3(x_NCHW: Tensor) -> Tensor:
    return _sum_of_three(_sum_of_three(x_NCHW, dim=2), dim=3)


def _sum_of_three(x_NCHW: Tensor, dim: int) -> Tensor:
    """Of each position and its two neighbours along `dim`, zeros beyond the ends: two passes over memory."""
    size = x_NCHW.shape[dim]
    if size == 1:
        return x_NCHW.clone()
    before, after = x_NCHW.narrow(dim, 0, size - 1), x_NCHW.narrow(dim, 1, size - 1)
    sum_NCHW = torch.empty_like(x_NCHW)
    torch.add(after, before, out=sum_NCHW.narrow(dim, 1, size - 1))
    sum_NCHW.select(dim, 0).copy_(x_NCHW.select(dim, 0))
    sum_NCHW.narrow(dim, 0, size - 1).add_(after)
    return sum_NCHW


@lru_cache(maxsize=64)
def _shares(height: int, width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """One over the number of pixels that a 3x3 window holds at each position."""
    return 1 / _box_3x3(torch.ones(1, 1, height, width, dtype=dtype, device=device))


class _Depthwise(torch.autograd.Function):
    """One filter a channel. Forward as it is; torch has a fast gradient of 3x3 filters without dilation, and only of
    those, so the others are made of these: five to eight times as fast with dilation, twice without."""

    @staticmethod
    def forward(ctx: Any, x_NCHW: Tensor, weight: Tensor, padding: Pair, dilation: int) -> Tensor:
        ctx.save_for_backward(x_NCHW, weight)
        ctx.padding, ctx.dilation = padding, dilation
        return F.conv2d(x_NCHW, weight, None, 1, padding, dilation, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_NCHW: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x_NCHW, weight = ctx.saved_tensors
        gradient_NCHW = channels_last(gradient_NCHW)
        for_x = for_weight = None
        if ctx.needs_input_grad[0]:
            flipped = weight.flip(2, 3)
            for_x = F.conv2d(gradient_NCHW, flipped, None, 1, ctx.padding, ctx.dilation, len(weight))
        if ctx.needs_input_grad[1]:
            for_weight = _filter_gradient(x_NCHW, gradient_NCHW, weight.shape, ctx.padding, ctx.dilation)
        return for_x, for_weight, None, None


def _keeps_size(weight: Tensor, padding: Pair, dilation: int) -> bool:
    sides = weight.shape[2:]
    return all(k > 1 and k % 2 == 1 and p == dilation * (k - 1) // 2 for k, p in zip(sides, padding, strict=True))


def _filter_gradient(x_NCHW: Tensor, gradient_NCHW: Tensor, shape: torch.Size, padding: Pair, dilation: int) -> Tensor:
    """Of a depthwise convolution's weight."""
    _, _, height, width = x_NCHW.shape
    if dilation == 2 and height % 2 == 0 and width % 2 == 0:
        # Pixels of one parity only meet each other: four images of half the size, without dilation.
        x_NCHW, gradient_NCHW = _by_parity(x_NCHW), _by_parity(gradient_NCHW)
        return _filter_gradient(x_NCHW, gradient_NCHW, shape, (padding[0] // 2, padding[1] // 2), 1)
    if dilation > 1 or shape[2] != shape[3] or shape[2] == 3:
        return _torch_filter_gradient(x_NCHW, gradient_NCHW, shape, padding, dilation)
    # A larger filter is covered by 3x3 ones, each of which sees the images moved.
    x_NCHW = channels_last(F.pad(x_NCHW, (padding[1], padding[1], padding[0], padding[0])))
    gradient = x_NCHW.new_empty(shape)
    small = torch.Size((*shape[:2], 3, 3))
    for top in range(0, shape[2] - 2, 2):
        for left in range(0, shape[3] - 2, 2):
            moved_NCHW = x_NCHW[:, :, top : top + height + 2, left : left + width + 2]
            part = _torch_filter_gradient(moved_NCHW, gradient_NCHW, small, NOWHERE, 1)
            gradient[:, :, top : top + 3, left : left + 3] = part
    return gradient


def _torch_filter_gradient(
    x_NCHW: Tensor, gradient_NCHW: Tensor, shape: torch.Size, padding: Pair, dilation: int
) -> Tensor:
    _, for_weight, _ = torch.ops.aten.convolution_backward(
        gradient_NCHW,
        x_NCHW,
        x_NCHW.new_empty(shape),
        None,
        ONCE,
        padding,
        (dilation, dilation),
        False,  # not transposed
        NOWHERE,
        shape[0],
        (False, True, False),
    )
    assert isinstance(for_weight, Tensor)
    return for_weight


def _by_parity(x_NCHW: Tensor) -> Tensor:
    """Pixels of even and odd rows and columns, as four times as many images of half the size."""
    n, c, height, width = x_NCHW.shape
    x_NHWC = x_NCHW.permute(0, 2, 3, 1).reshape(n, height // 2, 2, width // 2, 2, c)
    return x_NHWC.permute(2, 4, 0, 1, 3, 5).reshape(4 * n, height // 2, width // 2, c).permute(0, 3, 1, 2)


class _InFloat32(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_NCHW: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        x_NCHW, weight = x_NCHW.float(), weight.float()
        ctx.save_for_backward(x_NCHW, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x_NCHW, weight, None, stride, padding).double()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_NCHW: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x_NCHW, weight = ctx.saved_tensors
        peak = float(gradient_NCHW.abs().amax())
        factor = 2.0 ** -math.frexp(peak)[1] if 0 < peak < math.inf else 1.0
        for_x, for_weight, _ = torch.ops.aten.convolution_backward(
            (gradient_NCHW * factor).float(),
            x_NCHW,
            weight,
            None,
            ctx.stride,
            ctx.padding,
            ONCE,
            False,  # not transposed
            NOWHERE,
            1,
            (*ctx.needs_input_grad[:2], False),
        )
        return (
            None if for_x is None else for_x.double().div_(factor),
            None if for_weight is None else for_weight.double().div_(factor),
            None,
            None,
        )
