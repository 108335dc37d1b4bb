"""The baseline proxies against their authors' way of taking them: ordinary modules with batch norm, hooks, autograd."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from proxy.data.spec import Batch
from proxy.reference import build_darts, build_nasbench201
from proxy.scorer import Scorer
from proxy.spaces import get_space
from tests.proxy.architectures import SMALL, random_cell, random_genotype, task_of
from tests.proxy.proxies import plain_networks as plainly
from tests.proxy.proxies.plain_networks import Hooked, PlainDarts, PlainNasBench201, seeded

SEED = 5
#: Proxy -> its plain form, and how far rounding may take the two apart.
PLAINLY: dict[str, tuple[Callable[[Hooked], float], float]] = {
    "snip": (plainly.snip, 1e-9),
    "plain": (plainly.plain, 1e-7),
    "grad_norm": (plainly.grad_norm, 1e-9),
    "grasp": (plainly.grasp, 1e-7),
    "fisher": (plainly.fisher, 1e-9),
    "jacob_cov": (plainly.jacob_cov, 1e-7),
    "nwot": (plainly.nwot, 1e-9),
    "l2_norm": (plainly.l2_norm, 1e-9),
    "zen": (lambda one: plainly.zen(one, SEED), 1e-9),  # the last: it draws other weights
}


def network(space: str, architecture: Any) -> nn.Module:
    settings = SMALL[space]
    if space == "nasbench201":
        return seeded(
            lambda: PlainNasBench201(architecture, settings["channels"], settings["cells"], settings["classes"]), SEED
        )
    return seeded(lambda: PlainDarts(architecture, settings["channels"], settings["layers"], settings["classes"]), SEED)


def drawn(space: str, count: int) -> list[Any]:
    """Architectures drawn at random of which something reaches the output; parts of many are cut off from it."""
    rng, found = random.Random(11), list[Any]()
    while len(found) < count:
        one: Any = random_cell(rng) if space == "nasbench201" else random_genotype(rng)
        is_connected = one.connected if space == "nasbench201" else one.connected(SMALL[space]["layers"])
        found += [one] if is_connected else []
    return found


#: The convolutions of nodes 1 and 2 cannot reach node 3.
CUT_OFF = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|none~1|none~2|"
CASES = [
    ("nasbench201", get_space("nasbench201").parse(CUT_OFF).architecture),
    *((space, one) for space in ("nasbench201", "darts") for one in drawn(space, 5)),
]


@pytest.mark.parametrize(("space", "architecture"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_baselines_are_those_of_ordinary_modules(
    space: str, architecture: Any, small_batch: Batch, scorer: Scorer
) -> None:
    task = task_of(space, architecture.canonical, small_batch, proxies=tuple(PLAINLY), seed=SEED)
    images, labels = torch.from_numpy(small_batch.images_NCHW).double(), torch.from_numpy(small_batch.labels_N)
    one = Hooked(network(space, architecture), images, labels)
    # Where every path ends in a batch norm, the Jacobian is rounding, and no two ways of taking it agree.
    is_rounding = bool(plainly.jacobian_of_sum(one).abs().amax() < 1e-12)
    for score in scorer.score(task, small_batch):
        if score.proxy == "jacob_cov" and is_rounding:
            assert score.error is not None
            assert score.error["code"] == "zero_gradient"
            continue
        formula, tolerance = PLAINLY[score.proxy]
        assert score.value == pytest.approx(formula(one), rel=tolerance), score.proxy


@pytest.mark.parametrize(("space", "architecture"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_synflow_is_that_of_ordinary_modules(space: str, architecture: Any, small_batch: Batch, scorer: Scorer) -> None:
    settings = dict(SMALL[space])
    del settings["classes"]
    build: Any = build_nasbench201 if space == "nasbench201" else build_darts
    net = build(architecture, SEED, **settings).double().train()
    weights = [module.weight for _, module in net.weighted()]
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.abs_()
    _, logits = net(torch.ones(1, *small_batch.images_NCHW.shape[1:], dtype=torch.float64))
    gradients = torch.autograd.grad(logits.sum(), weights, materialize_grads=True)
    flow = sum(float((w.detach() * g).abs().sum()) for w, g in zip(weights, gradients, strict=True))
    task = task_of(space, architecture.canonical, small_batch, proxies=("synflow",), seed=SEED)
    (score,) = scorer.score(task, small_batch)
    assert score.value == pytest.approx(math.log(flow), rel=1e-12)
