"""The same scores on every device that this machine has. On most machines that is the processor alone.

What was seen on a GPU is in docs/gpu.md.
"""

from __future__ import annotations

import pytest
import torch

from proxy.data import load_batch
from proxy.data.spec import Batch
from proxy.devices import environment_of
from proxy.kernels import average_3x3
from proxy.scorer import Scorer
from tests.golden import OFFICIAL, PAPER, TOLERANCE, Golden
from tests.proxy.architectures import task_of

DEVICES = [torch.device("cpu"), *([torch.device("cuda", 0)] if torch.cuda.is_available() else [])]
#: What docs/numerics.md promises of float32.
FLOAT32_TOLERANCE = 5e-5
SAMPLE = OFFICIAL[4::4]


@pytest.fixture(scope="module", params=DEVICES, ids=str)
def on_device(request: pytest.FixtureRequest) -> Scorer:
    return Scorer(request.param)


@pytest.mark.parametrize("golden", [*SAMPLE, PAPER[0]], ids=str)
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", TOLERANCE), ("float32", FLOAT32_TOLERANCE)])
def test_scores_are_those_of_the_authors(
    golden: Golden, precision: str, tolerance: float, batch: Batch, on_device: Scorer
) -> None:
    proxies = ("croze:paper",) if golden in PAPER else ("croze",)
    task = task_of(
        golden.space,
        golden.architecture,
        batch,
        settings=golden.settings,
        seed=golden.seed,
        proxies=proxies,
        precision=precision,
    )
    (score,) = on_device.score(task, batch)
    assert score.value == pytest.approx(golden.score, rel=tolerance, abs=0)
    assert score.environment == on_device.environment


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_average_pools_have_the_right_gradient(device: torch.device, stride: int, layout: torch.memory_format) -> None:
    generator = torch.Generator().manual_seed(0)
    x_NCHW = torch.rand((2, 4, 8, 8), generator=generator, dtype=torch.float64)
    theirs = x_NCHW.clone().requires_grad_()
    pooled = torch.nn.functional.avg_pool2d(theirs, 3, stride, 1, count_include_pad=False)
    gradient_NCHW = torch.rand(pooled.shape, generator=generator, dtype=torch.float64)
    (right,) = torch.autograd.grad(pooled, theirs, gradient_NCHW)
    ours = x_NCHW.to(device).contiguous(memory_format=layout).requires_grad_()
    (got,) = torch.autograd.grad(
        average_3x3(ours, stride), ours, gradient_NCHW.to(device).contiguous(memory_format=layout)
    )
    torch.testing.assert_close(got.cpu(), right, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_asking_twice_gives_the_same_bits(precision: str, batch: Batch, on_device: Scorer) -> None:
    tasks = [
        task_of(each.space, each.architecture, batch, settings=each.settings, precision=precision)
        for each in SAMPLE[:3]
    ]
    first = [on_device.score(task, batch)[0].value for task in tasks]
    assert [on_device.score(task, batch)[0].value for task in reversed(tasks)] == first[::-1]


@pytest.mark.skipif(len(DEVICES) == 1, reason="needs a GPU")
def test_what_does_not_fit_a_gpu_fails_alone(batch: Batch) -> None:
    scorer = Scorer(DEVICES[1])
    images = load_batch("synthetic:seed=0,size=32[0:256]")
    golden = OFFICIAL[5]
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        large = task_of(
            golden.space, golden.architecture, images, settings={"channels": 512, "cells": 5, "classes": 10}
        )
        (score,) = scorer.score(large, images)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert score.error is not None
    assert score.error["code"] == "out_of_memory"
    task = task_of(golden.space, golden.architecture, batch, settings=golden.settings)
    assert scorer.score(task, batch)[0].value == pytest.approx(golden.score, rel=TOLERANCE)


def test_an_environment_names_what_can_change_bits() -> None:
    for device in DEVICES:
        environment = environment_of(device)
        assert environment.device == device.type
        assert environment.capability
        assert torch.__version__.startswith(environment.torch)
