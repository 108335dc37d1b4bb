from __future__ import annotations

import csv
from dataclasses import asdict, astuple, replace
from pathlib import Path

import pytest
import torch

from benchmarks import cost_by_size
from benchmarks.cost_by_size import BATCH_SIZES, Cost, in_turn, job_of, job_seconds, sizes, task_of, write
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH, Batch
from proxy.precision import PRECISIONS
from proxy.scorer import Scorer


@pytest.fixture
def batch() -> Batch:
    return load_batch(DEFAULT_BATCH)


def test_quick_runs_leave_out_the_large_sizes() -> None:
    assert [*sizes("batch", BATCH_SIZES, quick=False)] == [*BATCH_SIZES]
    assert [*sizes("batch", BATCH_SIZES, quick=True)] == [1, 2, 4, 8, 16]


def test_one_architecture_costs_something_in_every_precision(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_by_size, "REPEATS", 1)
    task = task_of(cost_by_size.CELL, batch, channels=2, cells=1)
    costs = in_turn("channels", 2, Scorer(torch.device("cpu")), task, batch)
    assert [cost.precision for cost in costs] == [*PRECISIONS]
    assert all(cost.seconds > 0 and cost.seconds_each == cost.seconds / 2 for cost in costs)


def test_jobs_are_the_same_always_and_are_scored_from_nothing(batch: Batch) -> None:
    tasks = job_of(4, batch)
    assert job_of(4, batch) == tasks
    assert len({task.architecture for task in tasks}) == 4
    small = [replace(task, settings={**task.settings, "channels": 2, "cells": 1}) for task in tasks]
    assert job_seconds(small, batch) > 0


def test_the_table_can_be_read_again(tmp_path: Path) -> None:
    cost = Cost("job", 4, "float32", 2.0, 0.5)
    write(tmp_path / "costs.csv", [cost])
    with (tmp_path / "costs.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == list(asdict(cost))
    assert (row["sweep"], int(row["size"]), row["precision"], float(row["seconds"]), float(row["seconds_each"])) == (
        astuple(cost)
    )
