"""Cosines of many tensors at once equal those of each, at any scale."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from proxy.errors import RangeLost
from proxy.stacks import LARGEST_STACK, Stack, alike, cosines, total


def drawn(members: int, *shape: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(members)]


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
@pytest.mark.parametrize("power", [-900, -60, 0, 90, 700])
def test_cosines_do_not_depend_on_the_scale(dtype: torch.dtype, rtol: float, power: int) -> None:
    a, b = drawn(3, 8, 5, 3, 3), drawn(3, 8, 5, 3, 3, seed=1)
    x = Stack.of([each.to(dtype) for each in a], power).raised()
    y = Stack.of([each.to(dtype) * 2.0**-20 for each in b], 30).raised()
    if power < 0:  # Below the floor of 1e-8 a norm counts as that.
        expected = [
            (p * q).sum(0) * 2.0**power / (p.norm(dim=0) * 2.0**power).clamp_min(1e-8) / q.norm(dim=0)
            for p, q in zip(a, b, strict=True)
        ]
    else:
        expected = [nn.CosineSimilarity(dim=0)(p, q) for p, q in zip(a, b, strict=True)]
    assert torch.allclose(cosines(x, y).double(), torch.stack(expected), rtol=0, atol=rtol)


def test_a_small_column_beside_a_large_one_keeps_its_digits() -> None:
    x = torch.ones(4, 2)
    x[:, 1] = torch.tensor([1.0, 2.0, 3.0, 4.0]) * 2.0**-90
    y = torch.stack([torch.ones(4), torch.tensor([1.0, 2.0, 3.0, 4.0])], dim=1)
    # At an exponent where no norm is near the floor.
    assert cosines(Stack.of([x], 200).raised(), Stack.of([y]).raised()).tolist() == [pytest.approx([1.0, 1.0])]


def test_a_zero_vector_gives_zero() -> None:
    zero, one = Stack.of([torch.zeros(4, 3)], -500).raised(), Stack.of([torch.ones(4, 3)]).raised()
    assert cosines(zero, one).tolist() == [[0.0, 0.0, 0.0]]
    assert cosines(zero, zero).tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_not_finite_is_a_range_loss(value: float) -> None:
    with pytest.raises(RangeLost, match="float32"):
        Stack.of([torch.ones(4), torch.full((4,), value)]).raised()


def test_raising_is_exact() -> None:
    values = [torch.tensor([1e-38, 3e-39]), torch.tensor([3e38, -1.0]), torch.zeros(2)]
    stack = Stack.of(values, 7)
    raised = stack.raised()
    for member, exponent, value in zip(raised.value_LO.double(), raised.exponents, values, strict=True):
        assert torch.equal(member * 2.0 ** (exponent - 7), value.double())


def test_totals_align_exponents() -> None:
    a, b = Stack.of([torch.ones(2), torch.zeros(2)], 3), Stack.of([torch.ones(2), torch.ones(2)], 1)
    both = total(a, b)
    assert both.exponents == (3, 3)
    assert both.value_LO.tolist() == [[1.25, 1.25], [0.25, 0.25]]


def test_only_what_is_alike_is_stacked() -> None:
    tensors = {
        "a": torch.zeros(2, 3),
        "b": torch.zeros(3, 2),
        "c": torch.zeros(2, 3),
        "d": torch.zeros(2, 3, dtype=torch.float64),
    }
    assert [*alike(tensors)] == [("a", "c"), ("b",), ("d",)]


def test_stacks_are_bounded() -> None:
    half = torch.empty(LARGEST_STACK // 2)
    groups = [*alike({str(i): half for i in range(5)} | {"large": torch.empty(2 * LARGEST_STACK)})]
    assert groups == [("0", "1"), ("2", "3"), ("4",), ("large",)]


@pytest.mark.parametrize("value", [1e30, float("nan")])
def test_a_norm_that_is_not_finite_is_a_range_loss(value: float) -> None:
    one, other = Stack.of([torch.ones(4, 3)]), Stack.of([torch.full((4, 3), value)])
    with pytest.raises(RangeLost, match="norm"):
        cosines(one, other)
    with pytest.raises(RangeLost, match="norm"):
        cosines(other, one)
