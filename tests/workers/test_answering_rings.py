"""One ring, and how much work follows it: all of a job that is alone, and one chunk of a job that is not."""

from __future__ import annotations

import pytest
import redis as redis_driver

from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import usual
from tests.workers.jobs import BATCH, submit
from tests.workers.test_workbench import QUEUE, Bench, get
from workers import workbench
from workers.store import Store


@pytest.fixture
def bench(store: Store) -> Bench:
    store.batches.put(BATCH)
    return Bench(store)


def test_one_ring_is_enough_for_a_job_that_is_alone(bench: Bench, store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 30).spec.id
    redis.lpop(QUEUE)
    bench.answer_ring(job_id)
    assert get(store, job_id).counts.scored == 30


def test_a_job_makes_room_for_another_after_each_chunk(bench: Bench, store: Store, redis: redis_driver.Redis) -> None:
    job_id, other = submit(store, 30).spec.id, submit(store, 2, seed=1).spec.id
    redis.lpop(QUEUE)
    bench.answer_ring(job_id)
    assert get(store, job_id).counts.scored == 1
    heard = redis.lpop(QUEUE)
    assert isinstance(heard, bytes)
    assert heard.decode().startswith(other)
    bench.answer_ring(other)
    bench.answer_ring(job_id)
    assert get(store, job_id).counts.scored == 30


def test_a_ring_is_answered_for_some_seconds_only(
    bench: Bench, store: Store, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench, "_RING_S", 0.0)
    job_id = submit(store, 30).spec.id
    redis.lpop(QUEUE)
    bench.answer_ring(job_id)
    assert get(store, job_id).counts.scored == 1
    assert redis.llen(QUEUE) == 1


def test_a_worker_that_is_to_end_answers_one_chunk(bench: Bench, store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 30).spec.id
    redis.lpop(QUEUE)

    def told_to_end(task: ScoringTask) -> list[Score]:
        bench.the_drain.request()
        return usual(task)

    bench.engine.answer = told_to_end
    bench.answer_ring(job_id)
    assert get(store, job_id).counts.scored == 1
    assert redis.llen(QUEUE) == 1
