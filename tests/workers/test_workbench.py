"""The workbench: what it claims, what it makes of an engine's answers, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis as redis_driver

from proxy.errors import UnknownProxy
from proxy.task import Score, ScoringTask, address
from tests.workers.fake_engine import FakeEngine, rightly, usual
from tests.workers.jobs import BATCH, ENVIRONMENT, cell, finish_all, indexes, score, submit
from workers import keys, workbench
from workers.drain import Drain
from workers.errors import (
    EngineDied,
    EngineOutOfMemory,
    EngineStartFailed,
    EngineTimeout,
    StoreUnavailable,
    TaskFailed,
    WorkerError,
)
from workers.records import Item, Job
from workers.settings import WorkerSettings
from workers.store import Store
from workers.workbench import Workbench

QUEUE = f"rq:queue:{keys.QUEUE}"


class Bench(Workbench):
    """A workbench whose parts a test can reach."""

    def __init__(self, store: Store, *, drain: Drain | None = None) -> None:
        self.engine = FakeEngine()
        self.the_drain = drain or Drain(60.0)
        super().__init__(store, self.engine, "me", self.the_drain, WorkerSettings())


@pytest.fixture
def bench(store: Store) -> Bench:
    store.batches.put(BATCH)
    return Bench(store)


def work_until_ended(bench: Bench, store: Store, job_id: str, rings: int = 20) -> list[Item]:
    """Answer rings until the job has ended. Its items, in input order."""
    for _ in range(rings):
        if get(store, job_id).finished_at is not None:
            break
        bench.work_on(job_id)
    assert get(store, job_id).status == "completed"
    return store.jobs.items(job_id, 0, 1000)


def get(store: Store, job_id: str) -> Job:
    job = store.jobs.get(job_id)
    assert job is not None
    return job


def codes(items: list[Item]) -> list[str | None]:
    """The code of each item's failure."""
    return [item.outcome.error["code"] if item.outcome and item.outcome.error else None for item in items]


def failing(*failures: WorkerError | Exception, at: int = 0) -> Callable[[ScoringTask], list[Score]]:
    """Answers that fail for one architecture, each time with the next failure, and then no more."""
    left = list(failures)

    def answer(task: ScoringTask) -> list[Score]:
        if task.architecture == cell(at) and left:
            raise left.pop(0)
        return usual(task)

    return answer


def test_a_job_is_scored_to_its_end(bench: Bench, store: Store) -> None:
    job_id = submit(store, 30, proxies=("croze", "params")).spec.id
    items = work_until_ended(bench, store, job_id)
    assert {item.status for item in items} == {"scored"}
    assert items[7].outcome is not None
    assert items[7].outcome.scores == {name: score(proxy=name).to_json() for name in ("croze", "params")}
    assert [task.architecture for task in bench.engine.tasks] == [cell(index) for index in range(30)]
    assert bench.scored == 30
    assert bench.keeper.environment == ENVIRONMENT


def test_chunks_follow_the_measured_cost(bench: Bench, store: Store) -> None:
    job_id = submit(store, 30).spec.id
    sizes = []
    for _ in range(4):
        before = get(store, job_id).counts.scored
        bench.work_on(job_id)
        sizes.append(get(store, job_id).counts.scored - before)
    assert sizes == [1, 4, 4, 4]


def test_a_chunk_that_takes_too_long_is_cut_short(bench: Bench, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(store, 30).spec.id
    bench.work_on(job_id)
    monkeypatch.setattr(workbench, "_PATIENCE", 0.0)
    bench.work_on(job_id)
    assert get(store, job_id).counts.scored == 1
    assert get(store, job_id).counts.running == 0


def test_the_job_is_rung_again_before_the_work(bench: Bench, store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 3).spec.id
    redis.delete(QUEUE)

    def look(task: ScoringTask) -> list[Score]:
        assert redis.llen(QUEUE) == 1
        return usual(task)

    bench.engine.answer = look
    bench.work_on(job_id)
    assert get(store, job_id).counts.scored == 1


def test_the_last_chunk_rings_no_more(bench: Bench, store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 1).spec.id
    redis.delete(QUEUE)
    bench.work_on(job_id)
    assert redis.llen(QUEUE) == 0


def test_only_missing_scores_are_computed_and_all_are_remembered(bench: Bench, store: Store) -> None:
    first = submit(store, 2).spec.id
    work_until_ended(bench, store, first)
    bench.engine.tasks.clear()
    second = submit(store, 2, proxies=("croze", "params")).spec.id
    items = work_until_ended(bench, store, second)
    assert [task.proxies for task in bench.engine.tasks] == [("params",), ("params",)]
    assert items[0].outcome is not None
    assert [record["cached"] for record in items[0].outcome.scores.values()] == [True, False]
    assert [*items[0].outcome.scores] == ["croze", "params"]
    third = submit(store, 2, proxies=("params", "croze")).spec.id
    work_until_ended(bench, store, third)
    assert len(bench.engine.tasks) == 2


def test_tables_of_layers_are_computed_and_not_remembered(bench: Bench, store: Store) -> None:
    work_until_ended(bench, store, submit(store, 1).spec.id)
    bench.engine.answer = lambda task: [replace(score(), layers=({"name": "stem"},))]
    items = work_until_ended(bench, store, submit(store, 1, layers=True).spec.id)
    assert len(bench.engine.tasks) == 2
    assert items[0].outcome is not None
    assert items[0].outcome.scores["croze"]["layers"] == [{"name": "stem"}]
    known = store.scores.known([address(bench.engine.tasks[1], "croze", ENVIRONMENT)])
    assert known[0] is not None
    assert known[0]["layers"] is None


def test_a_score_that_does_not_exist_fails_its_item_and_is_not_remembered(bench: Bench, store: Store) -> None:
    error = {"code": "non_finite", "message": "x"}
    bad = replace(score(), status="failed", value=None, error=error)
    bench.engine.answer = lambda task: [bad]
    items = work_until_ended(bench, store, submit(store, 1).spec.id)
    assert items[0].status == "failed"
    assert items[0].outcome is not None
    assert items[0].outcome.error is None
    assert items[0].outcome.scores["croze"]["error"] == error
    assert store.scores.known([address(bench.engine.tasks[0], "croze", ENVIRONMENT)]) == [None]


def test_a_score_that_is_no_json_fails_its_item(bench: Bench, store: Store) -> None:
    bench.engine.answer = lambda task: [replace(score(), components={"features": float("nan")})]
    items = work_until_ended(bench, store, submit(store, 1).spec.id)
    assert codes(items) == ["internal_error"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (EngineTimeout("slow"), "timeout"),
        (EngineOutOfMemory("large"), "out_of_memory"),
        (TaskFailed("no", "too_large"), "too_large"),
        (UnknownProxy("what?"), "unknown_proxy"),
        (ZeroDivisionError("a bug"), "internal_error"),
    ],
)
def test_an_item_fails_alone_with_its_code(bench: Bench, store: Store, failure: Exception, code: str) -> None:
    bench.engine.answer = failing(failure, at=1)
    items = work_until_ended(bench, store, submit(store, 3).spec.id)
    assert codes(items) == [None, code, None]
    assert [item.status for item in items] == ["scored", "failed", "scored"]


def test_an_item_whose_engine_died_is_tried_again(bench: Bench, store: Store) -> None:
    bench.engine.answer = failing(EngineDied("killed"), at=1)
    items = work_until_ended(bench, store, submit(store, 3).spec.id)
    assert {item.status for item in items} == {"scored"}
    assert bench.engine.starts == 2


def test_a_dead_engine_is_replaced_before_the_next_ring(bench: Bench, store: Store) -> None:
    bench.engine.answer = failing(EngineDied("killed"))
    bench.work_on(submit(store, 1).spec.id)
    assert bench.engine.running
    assert bench.engine.starts == 2
    assert bench.keeper.pid == bench.engine.pid


def test_an_item_that_kills_five_engines_fails(bench: Bench, store: Store) -> None:
    bench.engine.answer = failing(*[EngineDied("killed")] * 6, at=1)
    items = work_until_ended(bench, store, submit(store, 3).spec.id)
    assert codes(items) == [None, "engine_crashed", None]
    assert [task.architecture for task in bench.engine.tasks].count(cell(1)) == 5


def test_an_engine_that_died_between_items_is_nobodys_fault(bench: Bench, store: Store) -> None:
    job_id = submit(store, 2).spec.id
    bench.work_on(job_id)
    bench.engine.has_ended = True
    work_until_ended(bench, store, job_id)
    assert bench.engine.starts == 2


def test_a_worker_whose_engine_breaks_down_gives_everything_back_and_fails_nothing(
    bench: Bench, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit(store, 5).spec.id
    bench.work_on(job_id)
    states = []

    def wait(_: float) -> None:
        counts = get(store, job_id).counts
        states.append((bench.keeper.sick, counts.running, counts.scored, counts.failed))
        bench.engine.answer_test = rightly

    def break_down(task: ScoringTask) -> list[Score]:
        bench.engine.answer_test = usual
        raise EngineDied("the GPU has fallen off the bus")

    monkeypatch.setattr(bench.keeper, "_wait", wait)
    bench.engine.answer = break_down
    bench.work_on(job_id)
    assert states == [(True, 0, 1, 0)]
    assert not bench.keeper.sick
    bench.engine.answer = usual
    assert {item.status for item in work_until_ended(bench, store, job_id)} == {"scored"}


def test_without_its_batch_an_item_fails(store: Store) -> None:
    items = work_until_ended(Bench(store), store, submit(store, 2).spec.id)
    assert codes(items) == ["batch_missing", "batch_missing"]


def test_a_canceled_job_stops_the_item_in_hand(bench: Bench, store: Store) -> None:
    job_id = submit(store, 3).spec.id
    bench.work_on(job_id)

    def cancel(task: ScoringTask) -> list[Score]:
        store.jobs.cancel(job_id)
        bench.leases.check()
        return usual(task)

    bench.engine.answer = cancel
    bench.work_on(job_id)
    assert len(bench.engine.tasks) == 2
    assert get(store, job_id).counts.canceled == 2
    assert bench.leases.job_id is None
    bench.work_on(job_id)
    assert len(bench.engine.tasks) == 2


def test_draining_finishes_the_item_in_hand_and_gives_the_rest_back(
    bench: Bench, store: Store, redis: redis_driver.Redis
) -> None:
    job_id = submit(store, 5).spec.id
    bench.work_on(job_id)

    def stop(task: ScoringTask) -> list[Score]:
        redis.delete(QUEUE)
        bench.drain.request()
        return usual(task)

    bench.engine.answer = stop
    bench.work_on(job_id)
    job = get(store, job_id)
    assert (job.counts.scored, job.counts.queued, job.counts.running) == (2, 3, 0)
    assert redis.llen(QUEUE) == 1


def test_an_overdue_item_is_given_back(store: Store, redis: redis_driver.Redis) -> None:
    store.batches.put(BATCH)
    bench = Bench(store, drain=Drain(0.0))

    def stop(task: ScoringTask) -> list[Score]:
        bench.drain.request()
        return usual(task)

    bench.engine.answer = stop
    job_id = submit(store, 2).spec.id
    bench.work_on(job_id)
    assert get(store, job_id).counts.queued == 2
    assert indexes(store.jobs.claim(job_id, "other", 5)) == [0, 1]


def test_a_ring_heard_while_draining_is_passed_on(bench: Bench, store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    redis.delete(QUEUE)
    bench.drain.request()
    bench.work_on(job_id)
    assert redis.llen(QUEUE) == 1
    assert get(store, job_id).counts.queued == 2


def test_a_worker_without_an_engine_gives_everything_back_and_drains(bench: Bench, store: Store) -> None:
    def start(**_: object) -> None:
        raise EngineStartFailed("no torch")

    bench.engine.start = start  # type: ignore[method-assign, assignment]
    job_id = submit(store, 2).spec.id
    with pytest.raises(EngineStartFailed):
        bench.work_on(job_id)
    assert bench.keeper.broken
    assert bench.drain.requested
    assert get(store, job_id).counts.queued == 2


def test_a_result_in_hand_waits_for_redis(bench: Bench, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(store, 1).spec.id
    real, away = store.jobs.record, [StoreUnavailable("away"), StoreUnavailable("away")]

    def record(*args: object) -> bool:
        if away:
            raise away.pop()
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store.jobs, "record", record)
    bench.work_on(job_id)
    assert get(store, job_id).counts.scored == 1
    assert len(bench.engine.tasks) == 1


def test_a_job_that_was_finished_by_others_is_left_alone(bench: Bench, store: Store) -> None:
    job_id = submit(store, 2).spec.id
    finish_all(store, job_id, "other")
    bench.work_on(job_id)
    bench.work_on("no such job")
    assert bench.engine.tasks == []
