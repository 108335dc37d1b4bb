"""Addresses: equal if and only if the score must be equal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.task import Environment, ScoringTask, address, identity

CPU = Environment(device="cpu", capability="AVX2", torch="2.13.0")
TASK = ScoringTask(
    space="nasbench201",
    architecture="|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    settings={"channels": 16, "cells": 5, "classes": 10},
    proxies=("croze", "params"),
    batch="sha256:00",
    seed=0,
    precision="float64",
)


def test_address_is_pinned() -> None:
    # Changing it orphans every cached score of every installation: raise the proxy's revision instead.
    assert address(TASK, "croze", CPU) == "185934d9b5fe19d3e2e5f53b613406bb288aaeb70bfcea045fbff7371ef45625"


@pytest.mark.parametrize(
    "other",
    [
        replace(TASK, seed=1),
        replace(TASK, batch="sha256:01"),
        replace(TASK, precision="float32"),
        replace(TASK, settings={"channels": 17, "cells": 5, "classes": 10}),
        replace(TASK, architecture="|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_1x1~2|"),
        replace(TASK, space="darts"),
    ],
)
def test_whatever_the_score_depends_on_is_in_the_address(other: ScoringTask) -> None:
    assert address(other, "croze", CPU) != address(TASK, "croze", CPU)


def test_environment_is_in_the_address_but_not_the_patch_release_of_torch() -> None:
    ours = address(TASK, "croze", CPU)
    assert address(TASK, "croze", replace(CPU, capability="AVX512")) != ours
    assert address(TASK, "croze", replace(CPU, device="cuda")) != ours
    assert address(TASK, "croze", replace(CPU, torch="2.14.0")) != ours
    assert address(TASK, "croze", replace(CPU, torch="2.13.1")) == ours


def test_what_no_bit_depends_on_is_not_in_the_address() -> None:
    assert address(replace(TASK, proxies=("croze",), layers=True), "croze", CPU) == address(TASK, "croze", CPU)
    reordered = replace(TASK, settings={"classes": 10, "cells": 5, "channels": 16})
    assert address(reordered, "croze", CPU) == address(TASK, "croze", CPU)


def test_a_proxy_that_sees_no_batch_is_found_under_any() -> None:
    elsewhere = replace(TASK, batch="sha256:01", seed=9)
    assert address(elsewhere, "params", replace(CPU, device="cuda")) == address(TASK, "params", CPU)


def test_task_survives_json() -> None:
    assert ScoringTask.from_json(json.loads(json.dumps(TASK.to_json()))) == TASK


def test_architectures_with_one_network_share_an_address() -> None:
    # Node 1 is read by nobody, so what it is made of changes nothing.
    alike = [
        f"|{operation}~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
        for operation in ("none", "skip_connect", "nor_conv_3x3")
    ]
    tasks = [replace(TASK, architecture=architecture) for architecture in alike]
    assert len({address(task, "croze", CPU) for task in tasks}) == 1
    assert len({address(task, "params", CPU) for task in tasks}) == 3
    only_croze = {identity(replace(task, proxies=("croze",))) for task in tasks}
    assert (len(only_croze), len({identity(task) for task in tasks})) == (1, 3)
