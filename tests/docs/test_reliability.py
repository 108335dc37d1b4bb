"""docs/reliability.md: every test that it names exists, every setting has the default that it says, every code is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from proxy.errors import NonFinite, ScoreUndefined
from workers import known_answer
from workers.errors import WorkerError
from workers.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text("utf-8")
TESTS = re.findall(r"`(tests/\S+\.py)::(\w+)`", TEXT)
UNITS = {"s": 1, "GiB": 2**30, "": 1}


def _codes(base: type[WorkerError] | type[ScoreUndefined]) -> Iterator[str]:
    yield base.code
    for child in base.__subclasses__():
        yield from _codes(child)


def test_every_promise_names_its_test() -> None:
    section = TEXT.partition("## Promises")[2].partition("##")[0]
    promises = [line for line in section.splitlines() if line.startswith("| ") and "promise |" not in line]
    assert len(promises) == len(TESTS) > 12


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_every_test_that_is_named_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("name", "number", "unit"), re.findall(r"^\| `CROZE_(\w+)` \| ([\d,]+) ?(\w*) \|", TEXT, re.MULTILINE)
)
def test_every_default_is_as_said(name: str, number: str, unit: str) -> None:
    default = WorkerSettings.model_fields[name.lower()].default
    assert default == int(number.replace(",", "")) * UNITS[unit]


def test_memory_limits_of_api_and_engines_fit_together() -> None:
    limit = WorkerSettings.model_fields["engine_memory"].default
    assert limit == 2 * Settings.model_fields["memory_limit"].default


def test_every_code_is_one() -> None:
    section = TEXT.partition("## Why an item failed")[2].partition("##")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert named <= {*_codes(WorkerError), *_codes(ScoreUndefined), "internal_error"}
    assert named >= {"engine_crashed", "lease_expired", "timeout", "out_of_memory", "batch_missing", NonFinite.code}


def test_tolerances_are_as_said() -> None:
    for known in known_answer.KNOWN:
        assert f"{known.tolerance:g} in {known.precision}".replace("0.0001", "1e-4").replace("e-09", "e-9") in TEXT
