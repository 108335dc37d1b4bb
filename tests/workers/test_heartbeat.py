"""The heartbeat: a busy worker keeps its leases, says how it is, and rings what was forgotten."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
import redis as redis_driver

from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import FakeEngine, rightly, usual
from tests.workers.jobs import BATCH, ENVIRONMENT, finish_all, indexes, submit
from tests.workers.processes import wait_until
from tests.workers.store.test_claims import expire_leases
from workers import heartbeat, keys
from workers.drain import Drain
from workers.errors import EngineSick, StoreUnavailable
from workers.heartbeat import Heartbeat
from workers.reconciler import Reconciler
from workers.records import WorkerRecord
from workers.settings import WorkerSettings
from workers.store import Store
from workers.workbench import Workbench

QUEUE = f"rq:queue:{keys.QUEUE}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "CHECK_S", 0.01)
    monkeypatch.setattr(keys, "RECONCILE_S", 0.02)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def bench(store: Store, engine: FakeEngine) -> Workbench:
    store.batches.put(BATCH)
    return Workbench(store, engine, "me", Drain(60.0), WorkerSettings())


@pytest.fixture
def beating(store: Store, bench: Workbench) -> Iterator[Heartbeat]:
    with Heartbeat(store, bench, Reconciler(store, "me")) as beat:
        yield beat


def me(store: Store) -> WorkerRecord | None:
    """What the worker last said of itself."""
    return next(iter(store.fleet.workers()), None)


def says(store: Store, **expected: object) -> bool:
    """Whether it says so within a few beats."""

    def said() -> bool:
        record = me(store)
        return record is not None and all(getattr(record, name) == value for name, value in expected.items())

    return wait_until(said, 60)


@pytest.mark.usefixtures("beating")
def test_a_worker_says_how_it_is(store: Store, bench: Workbench, engine: FakeEngine) -> None:
    assert says(store, id="me", pid=os.getpid(), state="starting", environment=None, engine_pid=None, scored=0)
    bench.keeper.start()
    assert says(store, state="idle", environment=ENVIRONMENT, engine_pid=1, engine_restarts=0)
    job_id = submit(store, 1).spec.id

    def look(task: ScoringTask) -> list[Score]:
        assert says(store, state="busy", job=job_id)
        return usual(task)

    engine.answer = look
    bench.work_on(job_id)
    assert says(store, state="idle", job=None, scored=1)
    bench.drain.request()
    assert says(store, state="draining")


@pytest.mark.usefixtures("beating")
def test_a_sick_worker_says_so(store: Store, bench: Workbench, engine: FakeEngine) -> None:
    engine.answer_test = usual
    with pytest.raises(EngineSick):
        bench.keeper.start()
    assert says(store, state="sick", engine_pid=None, environment=ENVIRONMENT)
    engine.answer_test = rightly
    bench.keeper.start()
    assert says(store, state="idle")


def test_it_takes_its_leave(store: Store, bench: Workbench) -> None:
    with Heartbeat(store, bench, Reconciler(store, "me")):
        assert says(store, id="me")
    assert store.fleet.workers() == []


@pytest.mark.usefixtures("beating")
def test_a_slow_item_is_never_taken_away(
    store: Store, bench: Workbench, engine: FakeEngine, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "LEASE_S", 2.0)
    job_id = submit(store, 1).spec.id

    def dawdle(task: ScoringTask) -> list[Score]:
        enough = store.fleet.now() + 2.5 * keys.LEASE_S
        while store.fleet.now() < enough:
            assert store.jobs.claim(job_id, "other", 5) == []
            time.sleep(0.05)
        return usual(task)

    engine.answer = dawdle
    bench.work_on(job_id)
    job = store.jobs.get(job_id)
    assert job is not None
    assert job.status == "completed"


@pytest.mark.usefixtures("beating")
def test_the_end_of_a_job_is_noticed(store: Store, bench: Workbench, engine: FakeEngine) -> None:
    job_id = submit(store, 2).spec.id

    def cancel(task: ScoringTask) -> list[Score]:
        store.jobs.cancel(job_id)
        assert wait_until(engine.is_told_to_stop, 60)
        return usual(task)

    engine.answer = cancel
    bench.work_on(job_id)
    assert bench.scored == 0


@pytest.mark.usefixtures("beating")
def test_forgotten_jobs_are_rung(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    redis.delete(QUEUE)
    assert wait_until(lambda: redis.llen(QUEUE) == 1, 60)
    redis.delete(QUEUE)
    assert indexes(store.jobs.claim(job_id, "dead", 2)) == [0, 1]
    expire_leases(redis, job_id)
    assert wait_until(lambda: redis.llen(QUEUE) == 1, 60)
    assert finish_all(store, job_id) == [0, 1]


def test_it_survives_whatever_happens(
    store: Store, bench: Workbench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    troubles: list[Exception] = [StoreUnavailable("away"), StoreUnavailable("away"), ZeroDivisionError("a bug")]
    real = store.fleet.beat

    def beat(record: WorkerRecord) -> None:
        if troubles:
            raise troubles.pop(0)
        real(record)

    monkeypatch.setattr(store.fleet, "beat", beat)
    with Heartbeat(store, bench, Reconciler(store, "me")):
        assert says(store, id="me")
    assert "no heartbeat: away" in caplog.text
    assert "a step of the heartbeat failed" in caplog.text
