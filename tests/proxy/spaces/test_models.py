"""Built networks: sizes against the closed forms, features, and weights that nobody may write to."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from proxy._resolve import resolve
from proxy.data.spec import Batch
from proxy.nets import ScorableNet
from proxy.proxies import croze
from proxy.scaled import Scaled
from proxy.spaces import get_space
from proxy.spaces._base import ImageShape
from proxy.spaces.nasbench201.genotype import Cell
from proxy.spaces.nasbench201.model import CandidateCache, Skeleton
from proxy.stacks import Stack
from tests.proxy.architectures import SMALL, random_cell, random_genotype

IMAGE = ImageShape(3, 32, 32)


def some_architectures(space: str, count: int) -> list[Any]:
    rng = random.Random(count)
    return [random_cell(rng) if space == "nasbench201" else random_genotype(rng) for _ in range(count)]


def built(space: str, architecture: Any, *, batch_norm: bool, image: ImageShape = IMAGE, **options: Any) -> ScorableNet:
    build = resolve(get_space(space).network)
    net = build(architecture, SMALL[space], seed=0, batch_norm=batch_norm, image=image, **options)
    assert isinstance(net, ScorableNet)
    return net


class MacCounter(TorchFunctionMode):
    """Counts the multiply-accumulates of convolutions and linear layers as they are run."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (torch.conv2d, torch.nn.functional.conv2d, torch.nn.functional.linear):
            weight = args[1]
            self.macs += result.numel() // len(result) * weight.numel() // len(weight)
        return result


@pytest.mark.parametrize("space", ["darts", "nasbench201"])
class TestCounts:
    def test_parameters_equal_those_of_the_built_network(self, space: str) -> None:
        for architecture in some_architectures(space, 20):
            net = built(space, architecture, batch_norm=True)
            counted = sum(value.numel() for value in net.theta.values())
            assert get_space(space).counts(architecture, SMALL[space], IMAGE).params == counted

    @pytest.mark.parametrize("image", [IMAGE, ImageShape(3, 16, 24)], ids=str)
    def test_macs_equal_those_that_are_run(self, space: str, image: ImageShape) -> None:
        x = torch.ones(2, image.channels, image.height, image.width)
        for architecture in some_architectures(space, 10):
            net = built(space, architecture, batch_norm=True, image=image, prune=False)
            with torch.no_grad(), MacCounter() as counter:
                net.forward(net.parameters(x), Scaled(x))
            assert get_space(space).counts(architecture, SMALL[space], image).macs == counter.macs


@pytest.mark.parametrize("space", ["darts", "nasbench201"])
@pytest.mark.parametrize("batch_norm", [False, True])
class TestForward:
    def test_features_and_logits_have_their_shapes(self, space: str, batch_norm: bool) -> None:
        x = torch.rand(2, 3, 16, 24)
        for architecture in some_architectures(space, 10):
            net = built(space, architecture, batch_norm=batch_norm, image=ImageShape(3, 16, 24))
            output = net.forward(net.parameters(x), Scaled(x))
            assert output.logits_NK.value.shape == (2, 10)
            assert output.features[-1] is not None
            assert output.features[-1].value.dim() == 2
            assert max(layer.stage for layer in net.layers) == len(output.features) - 1
            for layer in net.layers:
                assert not layer.reaches_output or output.features[layer.stage] is not None

    def test_every_layer_has_its_weight(self, space: str, batch_norm: bool) -> None:
        for architecture in some_architectures(space, 10):
            net = built(space, architecture, batch_norm=batch_norm)
            names = [layer.weight for layer in net.layers]
            weights = [name for name in net.theta if name.endswith(".weight") and not name.endswith(".bn.weight")]
            assert names == weights
            assert len(set(names)) == len(names)

    def test_a_layer_reaches_the_output_exactly_if_changing_it_can_change_logits(
        self, space: str, batch_norm: bool
    ) -> None:
        for architecture in some_architectures(space, 6):
            net = built(space, architecture, batch_norm=batch_norm, prune=True)
            theta = {name: value.double().abs().requires_grad_() for name, value in net.theta.items()}
            logits_NK = net.forward(theta, Scaled(torch.rand(2, 3, 32, 32, dtype=torch.float64))).logits_NK.value
            gradients: list[Tensor | None] = [
                *torch.autograd.grad(logits_NK.sum(), [*theta.values()], allow_unused=True)
            ]
            reached = {name for name, gradient in zip(theta, gradients, strict=True) if gradient is not None}
            for layer in net.layers:
                # What is fed by zeros emits its bias, and its weight changes nothing.
                assert bool(reached & {layer.weight, f"{layer.name}.bias"}) == layer.reaches_output, layer.name


def test_weights_shared_by_all_cells_are_never_written_to(batch: Batch) -> None:
    cell = Cell(("nor_conv_3x3",) * 6)
    net = built("nasbench201", cell, batch_norm=False)
    before = {name: value.clone() for name, value in net.theta.items()}
    theta, groups = croze.absolute(net, torch.zeros(1, dtype=torch.float32))
    croze.climb(theta, groups, [Stack.of([torch.ones_like(theta[name]) for name in group]) for group in groups])
    again = built("nasbench201", cell, batch_norm=False)
    for name, value in before.items():
        assert torch.equal(again.theta[name], value)
        assert again.theta[name].data_ptr() == net.theta[name].data_ptr()


def test_candidate_cache_is_bounded_by_bytes() -> None:
    skeleton = Skeleton(channels=4, cells_per_stage=1, classes=10, image=IMAGE, batch_norm=False)
    unbounded = CandidateCache(limit_bytes=2**30)
    unbounded.get(skeleton, 0)
    one = unbounded.bytes_held
    cache = CandidateCache(limit_bytes=2 * one)
    for seed in range(5):
        drawn = cache.get(skeleton, seed)
        assert drawn is cache.get(skeleton, seed)
        assert cache.bytes_held <= 2 * one
    assert CandidateCache(limit_bytes=one - 1).get(skeleton, 0).keys() == drawn.keys()
