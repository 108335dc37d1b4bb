"""Every special form equals torch's general one, in its value and in its gradients."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from proxy.kernels import average_3x3, channels_last, convolve, convolve_in_float32, has_fast_form


def drawn(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def check_same(ours: Tensor, theirs: Tensor, leaves: list[Tensor], rtol: float) -> None:
    """Values and gradients agree, relative to the largest of each."""
    start = drawn(*theirs.shape).to(theirs)
    pairs = [(ours, theirs)]
    pairs += zip(torch.autograd.grad(ours, leaves, start), torch.autograd.grad(theirs, leaves, start), strict=True)
    for mine, other in pairs:
        assert mine.shape == other.shape
        assert float((mine - other).detach().abs().max()) <= rtol * float(other.detach().abs().max())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("channels", "height", "width"), [(1, 4, 6), (3, 8, 8), (16, 5, 1), (7, 6, 10)])
def test_average(dtype: torch.dtype, channels: int, height: int, width: int) -> None:
    x_NCHW = channels_last(drawn(2, channels, height, width, dtype=dtype)).requires_grad_()
    theirs = functional.avg_pool2d(x_NCHW, 3, 1, 1, count_include_pad=False)
    check_same(average_3x3(x_NCHW), theirs, [x_NCHW], 1e-13 if dtype == torch.float64 else 1e-6)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pointwise(dtype: torch.dtype, bias: bool) -> None:
    x_NCHW = channels_last(drawn(2, 6, 4, 8, dtype=dtype)).requires_grad_()
    weight, shift = drawn(5, 6, 1, 1, dtype=dtype).requires_grad_(), drawn(5, dtype=dtype)
    ours = convolve(x_NCHW, weight, shift if bias else None)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    theirs = functional.conv2d(x_NCHW, weight, shift if bias else None)
    check_same(ours, theirs, [x_NCHW, weight], 1e-13 if dtype == torch.float64 else 1e-6)


@pytest.mark.parametrize(
    ("k", "dilation", "size"),
    [*itertools.product((3, 5, 7), (1, 2), ((8, 12), (7, 9))), (3, 3, (8, 8)), (1, 1, (4, 4))],
)
def test_depthwise(k: int, dilation: int, size: tuple[int, int]) -> None:
    x_NCHW = channels_last(drawn(2, 4, *size, dtype=torch.float32)).requires_grad_()
    weight = drawn(4, 1, k, k, dtype=torch.float32).requires_grad_()
    padding = dilation * (k - 1) // 2
    ours = convolve(x_NCHW, weight, None, padding=(padding, padding), dilation=dilation, groups=4)
    theirs = functional.conv2d(x_NCHW, weight, None, 1, padding, dilation, 4)
    check_same(ours, theirs, [x_NCHW, weight], 2e-6)


@pytest.mark.parametrize("channels", [3, 16])
def test_float64_in_either_layout(channels: int) -> None:
    x_NCHW = drawn(2, channels, 8, 8).requires_grad_()
    weight = drawn(5, channels, 3, 3).requires_grad_()
    ours = convolve(channels_last(x_NCHW), weight, None, padding=(1, 1))
    assert ours.is_contiguous(memory_format=torch.channels_last)
    check_same(ours, functional.conv2d(x_NCHW, weight, None, 1, 1), [x_NCHW, weight], 1e-13)


@pytest.mark.parametrize("size_of_gradient", [1.0, 2.0**-300, 2.0**300])
def test_products_in_float32_whatever_the_size_of_the_gradient(size_of_gradient: float) -> None:
    x_NCHW = channels_last(drawn(2, 4, 8, 8)).requires_grad_()
    weight = drawn(6, 4, 3, 3).requires_grad_()
    ours = convolve_in_float32(x_NCHW, weight, stride=(2, 2), padding=(1, 1)) * size_of_gradient
    assert ours.dtype == torch.float64
    theirs = functional.conv2d(x_NCHW, weight, None, 2, 1) * size_of_gradient
    check_same(ours, theirs, [x_NCHW, weight], 1e-6)


def test_the_general_form_is_used_for_the_other_layout() -> None:
    assert has_fast_form(channels_last(drawn(2, 3, 4, 4)))
    assert not has_fast_form(drawn(2, 3, 4, 4))
