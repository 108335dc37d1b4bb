"""The keeper: no engine works before it gave the known answer, none that broke down goes on, none that is worn."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from proxy.data import Batch
from proxy.task import Environment, Score, ScoringTask
from tests.workers.fake_engine import FakeEngine, rightly, usual
from tests.workers.jobs import BATCH, ENVIRONMENT, cell, new_job
from workers import engine_keeper, known_answer, recycling
from workers.drain import Drain
from workers.engine import Engine
from workers.engine_keeper import EngineKeeper
from workers.errors import EngineDied, EngineSick, EngineStartFailed, EngineStopped, TaskFailed
from workers.settings import WorkerSettings

TASK = new_job().task(cell(0))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_keeper, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(engine_keeper, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(engine_keeper, "_LOOK_S", 0.001)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def drain() -> Drain:
    return Drain(60.0)


@pytest.fixture
def keeper(engine: FakeEngine, drain: Drain) -> EngineKeeper:
    return EngineKeeper(engine, drain, WorkerSettings())


def fetch(digest: str) -> Batch:
    assert digest == BATCH.digest
    return BATCH


def score(keeper: EngineKeeper) -> list[Score]:
    return keeper.score(TASK, fetch, lambda: False)


def wrong(times: int) -> FakeEngine:
    """An engine whose first answers to the test are wrong."""
    engine, left = FakeEngine(), [usual] * times
    engine.answer_test = lambda task: left.pop()(task) if left else rightly(task)
    return engine


def broken(_: ScoringTask) -> list[Score]:
    raise TaskFailed("RuntimeError: CUDA error: unspecified launch failure", "internal_error")


def test_an_engine_that_gives_the_known_answer_is_ready(keeper: EngineKeeper, engine: FakeEngine) -> None:
    assert keeper.start() == keeper.environment == ENVIRONMENT
    assert keeper.start() == ENVIRONMENT
    assert (keeper.pid, keeper.starts, keeper.restarts, keeper.sick, keeper.broken) == (1, 1, 0, False, False)
    assert engine.tasks == []
    assert len(score(keeper)) == 1


def test_a_sick_engine_is_ended_and_said_to_be_sick(drain: Drain, caplog: pytest.LogCaptureFixture) -> None:
    engine = wrong(1)
    keeper = EngineKeeper(engine, drain, WorkerSettings())
    with pytest.raises(EngineSick):
        keeper.start()
    assert keeper.sick
    assert (engine.running, keeper.pid, keeper.starts) == (False, None, 0)
    assert "the known answer in float64 is 19585197.19708474 within 1e-09 of it, and the engine gave 1.5" in caplog.text


def test_it_is_tried_again_until_an_engine_is_right(drain: Drain, caplog: pytest.LogCaptureFixture) -> None:
    engine = wrong(3)
    keeper = EngineKeeper(engine, drain, WorkerSettings())
    keeper.recover()
    assert engine.starts == 4
    assert (keeper.sick, keeper.pid, keeper.starts) == (False, 1, 1)
    pauses = [record.args for record in caplog.records if record.message.startswith("no work is taken")]
    assert pauses == [(0.01,), (0.02,), (0.02,)]


def test_a_sick_worker_can_be_told_to_end(drain: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = wrong(1000)
    monkeypatch.setattr(time, "sleep", lambda _: drain.request())
    EngineKeeper(engine, drain, WorkerSettings()).recover()
    assert engine.starts == 1


def test_the_test_is_repeated_after_every_death(keeper: EngineKeeper, engine: FakeEngine) -> None:
    keeper.start()
    engine.has_ended = True
    engine.answer_test = usual
    with pytest.raises(EngineSick):
        keeper.start()
    engine.answer_test = rightly
    keeper.start()
    assert (keeper.starts, keeper.restarts) == (2, 1)


def test_a_mistake_in_the_code_fails_the_task_alone(keeper: EngineKeeper, engine: FakeEngine) -> None:
    keeper.start()
    engine.answer = broken
    with pytest.raises(TaskFailed, match="CUDA error"):
        score(keeper)
    assert engine.running
    assert engine.starts == 1


def test_an_engine_that_broke_down_is_ended_and_the_task_is_not_to_blame(
    keeper: EngineKeeper, engine: FakeEngine
) -> None:
    keeper.start()
    engine.answer = engine.answer_test = broken
    with pytest.raises(EngineDied, match=r"broke down.*CUDA error.*known answer"):
        score(keeper)
    assert not engine.running
    assert keeper.pid is None


def test_an_engine_is_replaced_after_its_number_of_items(engine: FakeEngine, drain: Drain) -> None:
    keeper = EngineKeeper(engine, drain, WorkerSettings(engine_max_items=2))
    for _ in range(5):
        keeper.start()
        score(keeper)
        keeper.refresh()
    assert engine.starts == 3
    assert keeper.restarts == 2


def test_a_dead_or_missing_engine_is_not_replaced(keeper: EngineKeeper, engine: FakeEngine) -> None:
    keeper.refresh()
    keeper.start()
    engine.has_ended = True
    keeper.refresh()
    assert engine.has_ended


class Failing(FakeEngine):
    """Its first starts fail."""

    def __init__(self, *failures: EngineStartFailed) -> None:
        super().__init__()
        self.failures = list(failures)

    def start(self, *, should_stop: Callable[[], bool] | None = None) -> Environment:
        if self.failures:
            raise self.failures.pop(0)
        return super().start(should_stop=should_stop)


def killed_at_its_start() -> EngineStartFailed:
    failure = EngineStartFailed("no engine could be started")
    failure.__cause__ = EngineDied("SIGKILL")
    return failure


def test_an_engine_that_is_killed_while_it_starts_does_not_end_its_worker(drain: Drain) -> None:
    keeper = EngineKeeper(Failing(killed_at_its_start()), drain, WorkerSettings())
    keeper.start()
    assert not keeper.broken
    assert not drain.requested


@pytest.mark.parametrize(
    "failures", [[killed_at_its_start(), killed_at_its_start()], [EngineStartFailed("not ready within 120 s")]]
)
def test_a_worker_without_any_engine_ends(drain: Drain, failures: list[EngineStartFailed]) -> None:
    keeper = EngineKeeper(Failing(*failures), drain, WorkerSettings())
    with pytest.raises(EngineStartFailed):
        keeper.recover()
    assert keeper.broken
    assert drain.requested


def test_stopping_during_the_test_is_no_sickness(keeper: EngineKeeper, engine: FakeEngine) -> None:
    def stop(_: ScoringTask) -> list[Score]:
        raise EngineStopped("stopped")

    engine.answer_test = stop
    with pytest.raises(EngineStopped):
        keeper.start()
    assert not keeper.sick


def test_a_real_engine_is_replaced_and_gives_the_same_number(
    drain: Drain, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(recycling, "_YOUNG_S", 0.0)
    with Engine() as engine:
        keeper = EngineKeeper(engine, drain, WorkerSettings(engine_max_items=2, engine_growth=1000.0))
        values, pids = [], []
        for _ in range(3):
            keeper.start()
            values.append([each.value for each in score(keeper)])
            pids.append(keeper.pid)
            assert keeper.memory is None or keeper.memory > 10 * 2**20
            keeper.refresh()
        assert pids[0] == pids[1] != pids[2]
        assert values[0] == values[1] == values[2]
        assert keeper.restarts == 1
        assert engine.has_batch(known_answer.batch().digest)
    assert f"engine {pids[0]} is replaced: it has had 2 items" in caplog.text
