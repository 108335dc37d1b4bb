"""Engines side by side: every task has one outcome, and one that kills its engine fails alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.task import Score
from tests.workers import odd_engine_seeds as seeds
from tests.workers.processes import is_alive, python, read_line
from tests.workers.scoring import ODD_ENGINE, ROOT, endless_task, small_batch, small_task
from workers import known_answer
from workers.engine import Engine
from workers.engine_pool import EnginePool, Outcome
from workers.errors import EngineDied, EngineSick, EngineStartFailed, TaskFailed

BATCH = small_batch()


@pytest.fixture
def pool() -> Iterator[EnginePool]:
    with EnginePool(2, ODD_ENGINE) as engines:
        yield engines


def values(outcome: Outcome) -> list[float | None]:
    assert isinstance(outcome, list), outcome
    return [score.value for score in outcome]


def pids(pool: EnginePool) -> list[int]:
    return [engine.pid for engine in pool._engines if engine.running]


def test_every_task_has_the_scores_that_one_engine_gives(pool: EnginePool) -> None:
    tasks = [small_task(BATCH, seed) for seed in range(6)]
    outcomes = dict(pool.score(tasks, BATCH))
    with Engine() as engine:
        engine.start()
        engine.load_batch(BATCH)
        expected = {position: engine.score(task) for position, task in enumerate(tasks)}
    assert {position: values(outcome) for position, outcome in outcomes.items()} == {
        position: values(scores) for position, scores in expected.items()
    }
    assert len(pids(pool)) == 2


def test_engines_are_kept_for_the_next_call_and_ended_with_the_pool() -> None:
    with EnginePool(2) as pool:
        assert len(list(pool.score([small_task(BATCH)], BATCH))) == 1
        first = pids(pool)
        assert len(first) == 1, "no engine more than there are tasks"
        assert len(list(pool.score([small_task(BATCH)], BATCH))) == 1
        assert pids(pool) == first
    assert not is_alive(first[0])


def test_a_task_that_kills_its_engine_fails_alone(pool: EnginePool) -> None:
    tasks = [small_task(BATCH, seed) for seed in (0, seeds.DIES, 1, seeds.RAISES, 2, 3)]
    outcomes = list(pool.score(tasks, BATCH))
    assert [position for position, _ in outcomes][-1] == 1, "tried again when all else was done"
    by_position = dict(outcomes)
    assert sorted(by_position) == list(range(6))
    assert isinstance(by_position[1], EngineDied)
    assert isinstance(by_position[3], TaskFailed)
    assert all(isinstance(by_position[position], list) for position in (0, 2, 4, 5))


def test_a_task_whose_engine_died_by_chance_is_scored(
    pool: EnginePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD_ENGINE_MARK", str(tmp_path / "mark"))
    outcomes = dict(pool.score([small_task(BATCH, seeds.DIES_ONCE), small_task(BATCH)], BATCH))
    assert (tmp_path / "mark").exists()
    assert all(isinstance(score, Score) for position in (0, 1) for score in outcomes[position])  # type: ignore[union-attr]


def test_no_tasks_start_no_engine(pool: EnginePool) -> None:
    assert list(pool.score([], BATCH)) == []
    assert pids(pool) == []


def test_closing_the_iterator_kills_what_computes(pool: EnginePool) -> None:
    running = iter(pool.score([small_task(BATCH), endless_task(BATCH), endless_task(BATCH)], BATCH))
    assert next(running)[0] == 0
    before = pids(pool)
    started = time.monotonic()
    running.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 30
    assert not any(map(is_alive, before))
    assert len(list(pool.score([small_task(BATCH)], BATCH))) == 1, "usable afterwards"


def test_leaving_the_pool_kills_what_computes() -> None:
    with EnginePool(1) as pool:
        running = pool.score([small_task(BATCH), endless_task(BATCH)], BATCH)
        next(running)
        before = pids(pool)
    assert len(before) == 1
    assert not any(map(is_alive, before))


INTERRUPTED = """
import os, signal, threading
from tests.workers.scoring import endless_task, small_batch
from workers.engine_pool import EnginePool
batch = small_batch()
with EnginePool(2) as pool:
    threading.Timer(2.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        list(pool.score([endless_task(batch)] * 3, batch))
    except KeyboardInterrupt:
        print("interrupted", sum(engine.running for engine in pool._engines), flush=True)
"""


def test_ctrl_c_kills_what_computes() -> None:
    started = time.monotonic()
    with python(INTERRUPTED, environment={"PYTHONPATH": ROOT}) as process:
        assert read_line(process) == "interrupted 0"
        assert process.wait(60) == 0
    assert time.monotonic() - started < 120


def test_engines_that_do_not_give_the_known_answer_are_an_error_of_the_machine_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_answer, "KNOWN", [replace(each, value=1.5) for each in known_answer.KNOWN])
    with EnginePool(1) as pool:
        with pytest.raises(EngineSick, match=r"float64 is 1\.5 "):
            list(pool.score([small_task(BATCH)], BATCH))
        assert pids(pool) == []


def test_engines_that_do_not_start_are_an_error_of_the_machine_not_of_a_task() -> None:
    with EnginePool(2, ["/bin/sh", "-c", "exit 1"]) as pool, pytest.raises(EngineStartFailed, match="exit code 1"):
        list(pool.score([small_task(BATCH)] * 3, BATCH))
