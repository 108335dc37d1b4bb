"""Places among reference scores, on made-up ones; and whatever is shipped is what it says."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxy.reference_scores
from proxy.proxies import PROXIES
from proxy.ranking import TOLERANCE
from proxy.reference_scores import Conditions, Place, ReferenceScores, find_reference, read_folder
from proxy.spaces import get_space

ROOT = Path(__file__).parents[2]
SHIPPED = Path(proxy.reference_scores.__file__).parent
CONDITIONS = Conditions(
    space="nasbench201", settings={"channels": 16, "cells": 5, "classes": 10}, proxy="croze",
    revision=PROXIES["croze"].revision, batch="sha256:made-up", seed=0, precision="float64",
)  # fmt: skip


def write(folder: Path, values: list[float], conditions: Conditions = CONDITIONS, name: str = "made_up") -> None:
    np.savez_compressed(folder / f"{name}.npz", scores=np.array(values, dtype=np.float64))
    (folder / f"{name}.json").write_text(json.dumps({"conditions": conditions._asdict()}))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (40.0, Place(90.0, 1, 5)),
        (30.0, Place(70.0, 2, 5)),
        (20.0, Place(40.0, 3, 5)),
        (10.0, Place(10.0, 5, 5)),
    ],
)
def test_places_are_as_defined(value: float, place: Place) -> None:
    assert ReferenceScores(CONDITIONS, [20.0, 40.0, 10.0, 20.0, 30.0]).place(value) == place


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30))
def test_a_place_is_a_count_of_better_worse_and_equal_ones(values: list[int]) -> None:
    reference = ReferenceScores(CONDITIONS, values)
    for value in values:
        below = sum(each < value for each in values)
        equal = sum(each == value for each in values)
        above = len(values) - below - equal
        place = reference.place(value)
        assert place.percentile == pytest.approx(100 * (below + equal / 2) / len(values), abs=1e-4)
        assert (place.rank, place.of) == (above + 1, len(values))


def test_what_is_undefined_is_not_counted() -> None:
    reference = ReferenceScores(CONDITIONS, [math.nan, 1.0, 2.0, math.nan])
    assert reference.place(2.0) == Place(75.0, 1, 2)
    assert reference.place(1.0) == Place(25.0, 2, 2)


def test_what_another_machine_computes_is_as_good(tmp_path: Path) -> None:
    values = [3e9, 1e12, 1e12, 5e4]
    reference = ReferenceScores(CONDITIONS, values)
    for value in values:
        for factor in (1 - TOLERANCE / 2, 1 + TOLERANCE / 2):
            assert reference.place(value * factor) == reference.place(value)


def test_scores_of_a_whole_space_have_exact_percentiles() -> None:
    reference = ReferenceScores(CONDITIONS, range(15_625))
    assert reference.place(15_624.0) == Place(99.9968, 1, 15_625)
    assert reference.place(0.0) == Place(0.0032, 15_625, 15_625)


def test_a_score_worse_than_all_is_the_last() -> None:
    assert ReferenceScores(CONDITIONS, [1.0, 2.0]).place(0.5) == Place(0.0, 2, 2)


def test_where_lower_is_better_the_lowest_is_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROXIES, "latency", replace(PROXIES["croze"], name="latency", direction="lower_is_better"))
    reference = ReferenceScores(CONDITIONS._replace(proxy="latency"), [1.0, 2.0, 3.0, 4.0])
    assert reference.place(1.0) == Place(87.5, 1, 4)
    assert reference.place(4.0) == Place(12.5, 4, 4)


def test_only_exactly_the_same_conditions_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [1.0, 2.0])
    monkeypatch.setattr("proxy.reference_scores.shipped", lambda: read_folder(tmp_path))
    same = CONDITIONS._replace(settings={"classes": 10, "cells": 5, "channels": 16})
    found = find_reference(same)
    assert found is not None
    assert found.place(2.0).rank == 1
    others: list[dict[str, Any]] = [
        {"space": "darts"},
        {"settings": {"channels": 16, "cells": 5, "classes": 100}},
        {"settings": {"channels": 16, "cells": 5}},
        {"proxy": "croze:paper"},
        {"revision": CONDITIONS.revision + 1},
        {"batch": "sha256:other"},
        {"batch": None},
        {"seed": 1},
        {"precision": "float32"},
    ]
    for other in others:
        assert find_reference(CONDITIONS._replace(**other)) is None, other


def test_distributions_of_several_conditions_lie_side_by_side(tmp_path: Path) -> None:
    seed_1 = CONDITIONS._replace(seed=1)
    write(tmp_path, [1.0, 2.0])
    write(tmp_path, [3.0, 4.0, 5.0], seed_1, name="seed_1")
    found = read_folder(tmp_path)
    assert len(found) == 2
    assert found[seed_1.key()].place(5.0).of == 3


def test_what_is_shipped_is_what_it_says() -> None:
    for file in SHIPPED.glob("*.json"):
        check_distribution(file)


def check_distribution(file: Path) -> None:
    about = json.loads(file.read_text())
    scores = file.with_suffix(".npz")
    assert scores.stat().st_size < 200_000
    with np.load(scores) as arrays:
        values = arrays["scores"]
    conditions = Conditions(**about["conditions"])
    space = get_space(conditions.space)
    assert space.enumerate is not None
    assert len(values) == about["count"] == sum(1 for _ in space.enumerate())
    assert hashlib.sha256(values.astype("<f8").tobytes()).hexdigest() == about["scores_sha256"]
    assert not np.isinf(values).any()
    assert np.isnan(values).sum() == about.get("undefined", 0) < len(values)
    assert conditions.settings == space.complete_settings(conditions.settings, conditions.settings["classes"])
    assert conditions.revision == PROXIES[conditions.proxy].revision, "scores of an older revision: make them anew"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The package as pip would install it, with a distribution that is not shipped."""
    source, installed = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(ROOT / "proxy", source / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    write(source / "proxy" / "reference_scores", [1.0, 2.0])
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(installed)
    return installed


def test_an_installed_wheel_has_them(wheel: Path) -> None:
    code = (
        "import sys, proxy.reference_scores as r; from tests.proxy.test_reference_scores import CONDITIONS as c; "
        "print(r.__file__, r.find_reference(c).place(1.0).of, 'torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{wheel}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=wheel, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(wheel / "proxy" / "reference_scores" / "__init__.py"), "2", "False"]
