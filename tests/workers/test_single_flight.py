"""Each score is computed once, however many jobs need it, and what becomes of one job is nothing to another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
import redis as redis_driver

from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import FakeEngine, usual
from tests.workers.jobs import BATCH, cell, submit
from workers import keys
from workers.drain import Drain
from workers.errors import EngineDied, StoreUnavailable
from workers.records import Job
from workers.settings import WorkerSettings
from workers.store import Store
from workers.workbench import Workbench

RESERVED = f"{keys.PREFIX}reserved:*"


class Bench(Workbench):
    """A workbench whose engine a test can reach."""

    def __init__(self, store: Store, worker_id: str) -> None:
        self.engine = FakeEngine()
        super().__init__(store, self.engine, worker_id, Drain(60.0), WorkerSettings())

    @property
    def architectures(self) -> list[str]:
        """What its engine was asked to score."""
        return [task.architecture for task in self.engine.tasks]


@pytest.fixture
def benches(store: Store) -> tuple[Bench, Bench]:
    store.batches.put(BATCH)
    first, second = Bench(store, "first"), Bench(store, "second")
    for seed, bench in ((98, first), (99, second)):
        # It learns what items cost: then its chunks are of four.
        bench.work_on(submit(store, 1, seed=seed).spec.id)
        bench.engine.tasks.clear()
    return first, second


def get(store: Store, job_id: str) -> Job:
    job = store.jobs.get(job_id)
    assert job is not None
    return job


def meanwhile(action: Callable[[], object], at: int = 0) -> Callable[[ScoringTask], list[Score]]:
    """Answers of an engine during which something else happens once: while it computes cell number `at`."""
    left = [action]

    def answer(task: ScoringTask) -> list[Score]:
        if task.architecture == cell(at) and left:
            left.pop()()
        return usual(task)

    return answer


def test_what_another_worker_computes_is_left_for_later(
    store: Store, benches: tuple[Bench, Bench], redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "DEFER_S", 0.001)
    first, second = benches
    one, other = submit(store, 3).spec.id, submit(store, 3).spec.id
    first.engine.answer = meanwhile(lambda: second.work_on(other))
    first.work_on(one)
    assert first.architectures == [cell(0)]
    assert second.architectures == [cell(1), cell(2)]
    assert get(store, one).status == "completed"
    counts = get(store, other).counts
    assert (counts.scored, counts.running, counts.queued) == (2, 1, 0)
    assert redis.keys(RESERVED) == []
    second.work_on(other)
    assert get(store, other).status == "completed"
    assert second.architectures == [cell(1), cell(2)]


def test_what_became_known_meanwhile_is_taken_within_the_chunk(store: Store, benches: tuple[Bench, Bench]) -> None:
    first, second = benches
    one, other = submit(store, 1).spec.id, submit(store, 2).spec.id
    computing, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        computing.set()
        assert go_on.wait(60)

    first.engine.answer = meanwhile(wait)
    thread = threading.Thread(target=first.work_on, args=(one,))
    thread.start()
    try:
        assert computing.wait(60)

        def let_the_first_end() -> None:
            go_on.set()
            thread.join(60)

        second.engine.answer = meanwhile(let_the_first_end, at=1)
        second.work_on(other)
    finally:
        go_on.set()
        thread.join(60)
    assert get(store, other).status == "completed"
    assert second.architectures == [cell(1)]


def test_equal_jobs_are_computed_once(store: Store, benches: tuple[Bench, Bench]) -> None:
    first, second = benches
    one, other = submit(store, 4).spec.id, submit(store, 4).spec.id
    first.engine.answer = meanwhile(lambda: second.work_on(other), at=3)
    first.work_on(one)
    second.work_on(other)
    assert len(first.architectures) == 4
    assert second.architectures == []


def test_canceling_one_job_leaves_the_other_whole(
    store: Store, benches: tuple[Bench, Bench], redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "DEFER_S", 0.001)
    first, second = benches
    one, other = submit(store, 1).spec.id, submit(store, 1).spec.id

    def cancel() -> None:
        second.work_on(other)
        store.jobs.cancel(one)
        first.leases.check()

    first.engine.answer = meanwhile(cancel)
    first.work_on(one)
    assert second.architectures == []
    assert redis.keys(RESERVED) == []
    second.work_on(other)
    assert get(store, other).counts.scored == 1
    assert get(store, one).counts.canceled == 1


@pytest.mark.parametrize("failure", [EngineDied("killed"), ZeroDivisionError("a bug"), StoreUnavailable("away")])
def test_whatever_happens_nothing_stays_reserved(
    store: Store, benches: tuple[Bench, Bench], redis: redis_driver.Redis, failure: Exception
) -> None:
    first, second = benches
    seen: list[object] = []

    def fail() -> None:
        seen.extend(redis.keys(RESERVED))
        raise failure

    first.engine.answer = meanwhile(fail)
    job_id = submit(store, 1).spec.id
    with suppress(StoreUnavailable):
        first.work_on(job_id)
    assert len(seen) == 1
    assert redis.keys(RESERVED) == []
    second.work_on(submit(store, 1).spec.id)
    assert second.architectures == [cell(0)]


def test_counting_is_not_waited_for(store: Store, benches: tuple[Bench, Bench]) -> None:
    first, second = benches
    one = submit(store, 1, proxies=("croze", "params")).spec.id
    other = submit(store, 1, proxies=("croze", "params"), seed=1).spec.id
    first.engine.answer = meanwhile(lambda: second.work_on(other))
    first.work_on(one)
    assert get(store, other).status == get(store, one).status == "completed"


def test_tables_of_layers_reserve_nothing(store: Store, benches: tuple[Bench, Bench]) -> None:
    first, second = benches
    one, other = (submit(store, 1, layers=True).spec.id for _ in range(2))
    first.engine.answer = meanwhile(lambda: second.work_on(other))
    first.work_on(one)
    assert get(store, other).status == "completed"
    assert second.architectures == [cell(0)]


def test_reservations_are_renewed_until_the_score_is_recorded(
    store: Store, benches: tuple[Bench, Bench], redis: redis_driver.Redis
) -> None:
    first, _ = benches

    def renew() -> None:
        (key,) = redis.keys(RESERVED)
        redis.pexpire(key, 1000)
        first.reservations.renew()
        assert redis.pttl(key) > 1000

    first.engine.answer = meanwhile(renew)
    first.work_on(submit(store, 1).spec.id)
    assert first.architectures == [cell(0)]
    assert redis.keys(RESERVED) == []
    first.reservations.renew()


def test_a_freeing_that_fails_is_left_to_the_end_of_the_lease(
    store: Store, benches: tuple[Bench, Bench], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    first, second = benches
    monkeypatch.setattr(store.scores, "free", away)
    job_id = submit(store, 1).spec.id
    # An item that has to be tried again is not recorded, so what it has reserved is freed in a step of its own.
    first.engine.answer = dying_once()
    first.work_on(job_id)
    assert "stay reserved until their leases end: away" in caplog.text
    second.work_on(submit(store, 1, proxies=("croze", "params")).spec.id)
    assert second.engine.tasks == []


def dying_once() -> Callable[[ScoringTask], list[Score]]:
    left = [EngineDied("it was killed")]

    def answer(task: ScoringTask) -> list[Score]:
        if left:
            raise left.pop()
        return usual(task)

    return answer


def test_what_is_recorded_is_free_in_the_same_step(
    store: Store, benches: tuple[Bench, Bench], redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_needed(*_: object) -> None:
        raise AssertionError("a second command")

    monkeypatch.setattr(store.scores, "free", not_needed)
    first, _ = benches
    seen: list[int] = []
    first.engine.answer = meanwhile(lambda: seen.append(len(redis.keys(RESERVED))))
    first.work_on(submit(store, 1).spec.id)
    assert seen == [1]
    assert redis.keys(RESERVED) == []
