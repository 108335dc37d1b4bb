"""Powers of two that tensors carry: exact where they are, refused where something would be lost."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import RangeLost
from proxy.scaled import COMFORTABLE, FURTHEST_APART, Scaled, at_scale, concatenated

NUMBERS = st.floats(min_value=-1e3, max_value=1e3, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-3)


def number(scaled: Scaled) -> list[float]:
    """What it stands for; only for exponents that float64 can hold."""
    return [float(value) * 2.0**scaled.exponent for value in scaled.value]


def of(*values: float, exponent: int = 0, dtype: torch.dtype = torch.float64) -> Scaled:
    return Scaled(torch.tensor(values, dtype=dtype), exponent)


@given(NUMBERS, NUMBERS, st.integers(-40, 40), st.integers(-40, 40))
def test_a_sum_is_the_sum_whatever_the_exponents(a: float, b: float, i: int, j: int) -> None:
    (total,) = number(of(a, exponent=i) + of(b, exponent=j))
    assert total == pytest.approx(a * 2.0**i + b * 2.0**j, rel=1e-14, abs=1e-300)


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.integers(-5000, 5000))
def test_rescaling_is_exact_and_ends_near_one(values: list[float], exponent: int) -> None:
    before = of(*values, exponent=exponent)
    after = before.rescaled()
    shift = after.exponent - before.exponent
    assert torch.equal(torch.ldexp(after.value, torch.tensor(shift)), before.value)
    peak = float(after.value.abs().amax())
    assert peak == 0 or 2.0**-COMFORTABLE / 2 <= peak <= 2.0**COMFORTABLE


@pytest.mark.parametrize("value", [5e-324, 1.7e308, 2.0**-1060])
def test_rescaling_reaches_the_ends_of_the_range(value: float) -> None:
    assert 0.5 <= float(of(value).rescaled().value) <= 1


@pytest.mark.parametrize("dtype", FURTHEST_APART)
def test_values_too_far_apart_are_refused_and_not_dropped(dtype: torch.dtype) -> None:
    limit = FURTHEST_APART[dtype]
    large, small = of(1.0, dtype=dtype), of(1.0, exponent=-limit - 1, dtype=dtype)
    message = rf"2\*\*{limit + 1} apart"
    with pytest.raises(RangeLost, match=message):
        _ = large + small
    with pytest.raises(RangeLost, match=message):
        _ = small + large
    with pytest.raises(RangeLost, match=message):
        concatenated([small, large], 0)
    assert (large + of(1.0, exponent=-limit, dtype=dtype)).exponent == 0


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(RangeLost, match="left the range of float32"):
        of(1.0, value, dtype=torch.float32).rescaled()


def test_parts_side_by_side_keep_what_they_stand_for() -> None:
    whole = concatenated([of(3.0, exponent=2), of(5.0, exponent=-3), of(7.0, exponent=2)], 0)
    assert number(whole) == [12.0, 0.625, 28.0]


def test_a_bias_vanishes_beside_what_grew_and_is_refused_beside_what_shrank() -> None:
    bias = torch.tensor([3.0])
    assert float(at_scale(bias, 4)) == 3 / 16
    assert float(at_scale(bias, 100_000)) == 0
    with pytest.raises(RangeLost, match="a bias is"):
        at_scale(bias, -101)


def test_gradients_flow_through_sums_and_scales() -> None:
    x = torch.tensor([2.0, -3.0], dtype=torch.float64, requires_grad=True)
    y = (Scaled(x, 20).relu() + Scaled(x, 0)).rescaled()
    (gradient,) = torch.autograd.grad(y.value.sum(), x)
    assert [float(g) * 2.0**y.exponent for g in gradient] == [2.0**20 + 1, 1.0]
