"""The numbers PyTorch's own modules would draw, without touching its global generator."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from proxy.initialisation import Drawing


def test_draws_what_modules_draw_bit_for_bit() -> None:
    drawing = Drawing(seed=5)
    drawing.conv("a", (8, 3, 3, 3), bias=True)
    drawing.conv("b", (4, 1, 1, 7), batch_norm=True)
    drawing.linear("c", 12, 10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        a, b, c = nn.Conv2d(3, 8, 3), nn.Conv2d(4, 4, (1, 7), groups=4, bias=False), nn.Linear(12, 10)
        norm = nn.BatchNorm2d(4)
    assert a.bias is not None
    expected: dict[str, dict[str, torch.Tensor]] = {
        "a": {"a.weight": a.weight, "a.bias": a.bias},
        "b": {"b.weight": b.weight, "b.bn.weight": norm.weight, "b.bn.bias": norm.bias},
        "c": {"c.weight": c.weight, "c.bias": c.bias},
    }
    for layer, parameters in expected.items():
        assert list(drawing.drawn[layer]) == list(parameters)
        for name, parameter in parameters.items():
            assert torch.equal(drawing.drawn[layer][name], parameter)


def test_draws_float32_even_if_the_default_is_float64() -> None:
    expected = Drawing(seed=0)
    expected.linear("a", 3, 2)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        drawing = Drawing(seed=0)
        drawing.linear("a", 3, 2)
    finally:
        torch.set_default_dtype(default)
    assert drawing.drawn["a"]["a.weight"].dtype == torch.float32
    assert torch.equal(drawing.drawn["a"]["a.weight"], expected.drawn["a"]["a.weight"])


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_leaves_the_global_generator_alone(seed: int) -> None:
    before = torch.random.get_rng_state()
    Drawing(seed).linear("a", 100, 100)
    assert torch.equal(torch.random.get_rng_state(), before)
