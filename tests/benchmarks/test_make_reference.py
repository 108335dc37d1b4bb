"""The script that makes a distribution, on made-up scores of the whole space."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.reference_scores import Conditions, Place, read_folder
from proxy.spaces.nasbench201 import enumerate_cells

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "make_reference.py"
SETTINGS = {"channels": 16, "cells": 5, "classes": 10}
CELLS = list(enumerate_cells())
BATCH = load_batch(DEFAULT_BATCH).digest


def line(index: int, **changes: Any) -> str:
    score: dict[str, Any] = {
        "proxy": "croze", "status": "scored", "value": float(index // 2), "batch": BATCH, "seed": 0,
        "precision": "float64", "computed_in": "float64", "revision": 1,
        "environment": {"device": "cpu", "capability": "AVX2", "torch": "2.13.0"}, **changes,
    }  # fmt: skip
    item = {
        "index": index, "architecture": CELLS[index], "space": "nasbench201", "settings": SETTINGS,
        "scores": {"croze": score},
    }  # fmt: skip
    return json.dumps(item)


def make(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", str(SCRIPT), str(file), "--into", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Made-up scores of all cells, in any order. Neighbours are equal."""
    lines = [line(index) for index in range(len(CELLS))]
    random.Random(0).shuffle(lines)
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_whole_space_becomes_two_small_files_that_say_where_they_are_from(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    done = make(file, folder)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.iterdir()} == {"nasbench201_croze.npz", "nasbench201_croze.json"}
    with np.load(folder / "nasbench201_croze.npz") as arrays:
        assert arrays["scores"].tolist() == [float(index // 2) for index in range(len(CELLS))], "in index order"
    about = json.loads((folder / "nasbench201_croze.json").read_text())
    conditions = Conditions(
        space="nasbench201", settings=SETTINGS, proxy="croze", revision=1, batch=BATCH, seed=0, precision="float64"
    )
    assert Conditions(**about["conditions"]) == conditions
    assert (about["batch_name"], about["count"], about["computed_in"]) == (DEFAULT_BATCH, 15_625, {"float64": 15_625})
    assert about["environments"] == [{"device": "cpu", "capability": "AVX2", "torch": "2.13.0", "scores": 15_625}]
    assert "make_reference.py" in about["made_by"]
    reference = read_folder(folder)[conditions.key()]
    assert reference.place(7811.0) == Place(round(100 * 15_623 / 15_625, 4), 2, 15_625)


def test_an_undefined_score_is_no_number(file: Path, tmp_path: Path) -> None:
    undefined = line(7, status="failed", value=None, error={"code": "singular_matrix"})
    kept = [each for each in file.read_text().splitlines() if json.loads(each)["index"] != 7]
    file.write_text("\n".join([*kept, undefined]) + "\n")
    done = make(file, tmp_path)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "nasbench201_croze.npz") as arrays:
        assert np.flatnonzero(np.isnan(arrays["scores"])).tolist() == [7]
    assert json.loads((tmp_path / "nasbench201_croze.json").read_text())["undefined"] == 1


@pytest.mark.parametrize(
    ("extra", "dropped", "said"),
    [
        ([], 1, "15624 items of 15625 architectures; missing: 1"),
        ([line(0)], 0, "15626 items of 15625"),
        ([line(0, seed=1)], 1, "2 kinds of scores"),
        ([line(0, status="failed", value=None, error={"code": "out_of_memory"})], 1, "index 0 has no score by croze"),
    ],
)
def test_what_is_no_whole_space_of_one_kind_makes_nothing(
    file: Path, tmp_path: Path, extra: list[str], dropped: int, said: str
) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[: len(lines) - dropped], *extra]) + "\n")
    done = make(file, folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(folder.iterdir())
