"""The health check of a worker says what its heartbeat last noted, and why that is not good enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workers import keys
from workers.health import VARIABLE, HealthNote, problem_of


def probe(file: Path | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if file is not None:
        environment[VARIABLE] = str(file)
    return subprocess.run(
        [sys.executable, "-P", "-m", "workers.health"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "worker.json"


@pytest.mark.parametrize("state", ["idle", "busy", "draining"])
def test_a_worker_that_beats_is_well(file: Path, state: str) -> None:
    HealthNote(file).beaten(state)
    assert problem_of(file, time.monotonic()) is None
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("state", ["starting", "sick"])
def test_a_worker_without_a_good_engine_is_not(file: Path, state: str) -> None:
    HealthNote(file).beaten(state)
    assert "known answer" in str(problem_of(file, time.monotonic()))


def test_what_an_earlier_worker_left_is_forgotten(file: Path) -> None:
    HealthNote(file).beaten("idle")
    HealthNote(file).forget()
    assert "has not beaten yet" in str(problem_of(file, time.monotonic()))
    HealthNote(file).forget()
    HealthNote(None).forget()


def test_beats_that_do_not_reach_redis_are_not_enough(file: Path) -> None:
    note = HealthNote(file)
    note.missed("idle", "Redis at redis:6379 does not answer")
    assert problem_of(file, time.monotonic()) == (
        "none of its beats has reached Redis: Redis at redis:6379 does not answer"
    )
    note.beaten("idle")
    note.missed("idle", "Redis at redis:6379 does not answer")
    assert problem_of(file, time.monotonic()) is None, "one beat that was missed is no illness"
    late = str(problem_of(file, time.monotonic() + keys.WORKER_S + 1))
    assert "for 11 s none" in late
    assert "does not answer" in late


def test_what_is_from_before_a_restart_does_not_count(file: Path) -> None:
    HealthNote(file).beaten("idle")
    assert problem_of(file, 0.0) is not None


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"beat": "now", "state": "idle", "problem": None})])
def test_a_note_that_is_none_is_told(file: Path, content: str) -> None:
    file.write_text(content)
    assert problem_of(file, time.monotonic()) is not None


def test_a_file_that_cannot_be_written_costs_the_worker_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    note = HealthNote(tmp_path / "nowhere" / "worker.json")
    note.beaten("idle")
    note.beaten("idle")
    assert len(caplog.records) == 1
    assert VARIABLE in caplog.text


def test_the_command(file: Path) -> None:
    unnamed, absent = probe(None), probe(file)
    HealthNote(file).beaten("idle")
    present = probe(file)
    assert [each.returncode for each in (unnamed, absent, present)] == [1, 1, 0]
    assert VARIABLE in unnamed.stderr
    assert "not beaten yet" in absent.stdout
    assert present.stdout == "well\n"


def test_a_probe_is_cheap() -> None:
    code = "import sys, workers.health; print(sorted({'redis', 'pydantic', 'numpy', 'torch'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "[]\n"
