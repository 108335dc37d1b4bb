"""Chunks: about as long as planned, whatever items cost."""

from __future__ import annotations

import pytest

from tests.workers.jobs import new_job
from workers.costs import Costs


def test_one_item_until_something_is_known() -> None:
    costs = Costs(2.0)
    assert costs.chunk(new_job()) == 1
    costs.learn(new_job(), 0.1)
    assert costs.chunk(new_job()) == 20
    assert costs.chunk(new_job(settings={"channels": 64, "cells": 5, "classes": 10})) == 1
    assert costs.chunk(new_job(proxies=("croze", "macs"))) == 1


@pytest.mark.parametrize(("seconds", "chunk"), [(0.0, 100), (1e-9, 100), (0.5, 4), (1.5, 1), (600.0, 1)])
def test_a_chunk_has_at_least_one_item_and_at_most_a_hundred(seconds: float, chunk: int) -> None:
    costs = Costs(2.0)
    costs.learn(new_job(), seconds)
    assert costs.chunk(new_job()) == chunk


def test_recent_items_count_most() -> None:
    costs = Costs(2.0)
    costs.learn(new_job(), 2.0)
    for _ in range(20):
        costs.learn(new_job(), 0.2)
    assert 9 <= costs.chunk(new_job()) <= 10
    costs.learn(new_job(), 10.0)
    assert costs.chunk(new_job()) == 1


def test_memory_is_bounded() -> None:
    costs = Costs(2.0)
    for size in range(1000):
        costs.learn(new_job(batch=f"sha256:{size}"), 0.1)
    assert costs.chunk(new_job(batch="sha256:999")) == 20
    assert costs.chunk(new_job(batch="sha256:0")) == 1
