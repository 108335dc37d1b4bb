from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from proxy.bench.measure import WAYS, Bench, Measured, gemm_gflops, summary
from proxy.bench.rows import ROWS, Row, at_width
from proxy.data.spec import Batch
from tests.golden import TOLERANCE


@pytest.fixture
def threads() -> Iterator[int]:
    """Measuring sets one thread for the whole process, which is its own elsewhere."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def small(name: str, number: int) -> Row:
    """A row that takes a second."""
    row = ROWS[name]
    settings = {**row.settings, "layers": 3} if row.space == "darts" else {**row.settings, "cells": 1}
    return replace(at_width(row, 4), settings={**settings, "channels": 4}, genotypes=row.genotypes[:number], rounds=2)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("name", "number"), [("nb201_mean", 3), ("darts_v2_16x8", 1)])
def test_every_way_scores_the_same_and_every_round_is_timed(name: str, number: int, batch: Batch) -> None:
    begun: list[tuple[str, float]] = []
    bench = Bench(lambda what, seconds: begun.append((what, seconds)))
    row = small(name, number)
    measured = bench.row(row)
    assert torch.get_num_threads() == 1
    assert measured["architectures"] == number
    assert measured["gflop"] == pytest.approx(row.gflop(batch.image, batch.size))
    assert isinstance(measured["difference_float64"], float)
    assert measured["difference_float64"] <= TOLERANCE
    assert isinstance(measured["difference_float32"], float)
    assert measured["difference_float32"] <= 5e-5
    assert len(begun) == 2 * number * len(WAYS)
    assert sum(seconds for _, seconds in begun) == pytest.approx(2 * number * row.rough_seconds)
    document: Any = bench.document([measured])
    (shown,) = document["rows"]
    assert shown["fraction_of_peak"] * document["gemm_gflops"] == pytest.approx(measured["achieved_gflops"])


def one(yardstick: list[float], float64: list[float], float32: list[float], score: float | None) -> Measured:
    return Measured(
        seconds={"yardstick": yardstick, "float64": float64, "float32": float32},
        scores={"yardstick": 100.0, "float64": 100.0, "float32": score},
        fell_back=False,
    )


def test_the_fastest_round_counts_and_architectures_are_averaged() -> None:
    row = summary(ROWS["nb201_mean"], [one([9, 4], [2, 3], [0.5, 1], 101.0), one([2, 2], [2, 2], [1.5, 2], None)], 6.0)
    assert row["seconds_yardstick"] == 3
    assert row["seconds_float64"] == 2
    assert row["seconds_float32"] == 1
    assert row["achieved_gflops"] == 6
    assert row["ratio_to_yardstick"] == row["ratio_float32"] == 3
    assert row["ratio_float64"] == 1.5
    assert row["difference_float64"] == 0
    assert row["difference_float32"] == pytest.approx(0.01)


def test_no_difference_is_told_where_there_is_no_score() -> None:
    assert summary(ROWS["nb201_mean"], [one([1], [1], [1], None)], 1.0)["difference_float32"] is None


def test_a_matrix_product_has_a_speed() -> None:
    assert 0.01 < gemm_gflops({64: 3}) < 1e5
