"""What is held against an item: engines that died over it, and workers that fell silent with it in hand."""

from __future__ import annotations

import pytest
import redis as redis_driver

from tests.workers.jobs import failed, indexes, scored, submit
from tests.workers.store.test_claims import expire_leases
from workers.keys import JobKeys
from workers.records import Item, Job
from workers.settings import ENGINE_DEATHS, LEASE_EXPIRIES, SUSPICIOUS, WorkerSettings
from workers.store import Store


@pytest.fixture
def job(store: Store) -> Job:
    return submit(store, 4)


def get(store: Store, job: Job) -> Job:
    found = store.jobs.get(job.spec.id)
    assert found is not None
    return found


def item(store: Store, job: Job, index: int) -> Item:
    return store.jobs.items(job.spec.id, index, 1)[0]


def let_expire(store: Store, redis: redis_driver.Redis, job: Job, limit: int, times: int) -> list[list[int]]:
    """Claim that many items and fall silent, again and again. What each claim got."""
    claimed = []
    for _ in range(times):
        claimed.append(indexes(store.jobs.claim(job.spec.id, "silent", limit)))
        expire_leases(redis, job.spec.id)
    return claimed


def test_the_limits_are_as_promised() -> None:
    assert (SUSPICIOUS, ENGINE_DEATHS, LEASE_EXPIRIES) == (2, 5, 10)
    assert (WorkerSettings().engine_deaths, WorkerSettings().lease_expiries) == (5, 10)


def test_after_two_silent_workers_an_item_is_leased_alone(store: Store, redis: redis_driver.Redis, job: Job) -> None:
    assert let_expire(store, redis, job, limit=2, times=4) == [[0, 1], [0, 1], [0], [0]]
    assert indexes(store.jobs.claim(job.spec.id, "a", 4)) == [0]
    assert indexes(store.jobs.claim(job.spec.id, "b", 4)) == [1]
    assert indexes(store.jobs.claim(job.spec.id, "c", 4)) == [2, 3]


def test_after_two_dead_engines_an_item_is_leased_alone(store: Store, job: Job) -> None:
    for _ in range(SUSPICIOUS):
        store.jobs.claim(job.spec.id, "a", 4)
        store.jobs.blame(job.spec.id, 2)
        store.jobs.release(job.spec.id, "a", [0, 1, 2, 3])
    claims = [indexes(store.jobs.claim(job.spec.id, worker, 4)) for worker in ("a", "b", "c")]
    assert claims == [[0, 1], [2], [3]]


def test_ten_silent_workers_fail_the_item_and_no_other(store: Store, redis: redis_driver.Redis, job: Job) -> None:
    let_expire(store, redis, job, limit=1, times=LEASE_EXPIRIES)
    assert indexes(store.jobs.claim(job.spec.id, "alive", 4)) == [1, 2, 3]
    ended = item(store, job, 0)
    assert ended.status == "failed"
    assert ended.outcome is not None
    assert ended.outcome.error is not None
    assert ended.outcome.error["code"] == "lease_expired"
    assert "10 workers fell silent" in ended.outcome.error["message"]
    assert (get(store, job).counts.failed, get(store, job).status) == (1, "running")
    assert store.figures().items["failed", "lease_expired"] == 1


def test_the_limit_can_be_set(store: Store, redis: redis_driver.Redis, job: Job) -> None:
    let_expire(store, redis, job, limit=4, times=1)
    assert store.jobs.claim(job.spec.id, "alive", 4, expiries=1) == []
    assert get(store, job).status == "completed"
    assert get(store, job).counts.failed == 4
    assert [each.spec.index for each in store.jobs.finished(job.spec.id, 0, 9)] == [0, 1, 2, 3]


def test_a_late_result_after_the_verdict_changes_nothing(store: Store, redis: redis_driver.Redis, job: Job) -> None:
    let_expire(store, redis, job, limit=1, times=LEASE_EXPIRIES)
    store.jobs.claim(job.spec.id, "alive", 1)
    assert not store.jobs.record(job.spec.id, "silent", 0, scored(), {})
    assert item(store, job, 0).status == "failed"
    assert get(store, job).counts.scored == 0


def test_a_late_result_before_the_verdict_counts(store: Store, redis: redis_driver.Redis, job: Job) -> None:
    let_expire(store, redis, job, limit=1, times=LEASE_EXPIRIES)
    assert store.jobs.record(job.spec.id, "silent", 0, scored(), {})
    assert indexes(store.jobs.claim(job.spec.id, "alive", 4)) == [1, 2, 3]
    assert get(store, job).counts.failed == 0


def test_silence_of_a_worker_that_lives_is_not_held_against_the_item(
    store: Store, redis: redis_driver.Redis, job: Job
) -> None:
    for _ in range(2 * LEASE_EXPIRIES):
        store.jobs.claim(job.spec.id, "suspended", 1)
        expire_leases(redis, job.spec.id)
        # Another one sees that the lease is over, takes the item, and hands it back.
        assert store.jobs.claim(job.spec.id, "other", 1)
        store.jobs.release(job.spec.id, "other", [0, 1])
        assert store.jobs.renew(job.spec.id, "suspended", [0])
        store.jobs.release(job.spec.id, "suspended", [0])
    assert item(store, job, 0).status == "queued"
    assert redis.hget(JobKeys.of(job.spec.id).expiries, "0") == b"0"


def test_nothing_is_held_against_what_has_ended(store: Store, redis: redis_driver.Redis, job: Job) -> None:
    let_expire(store, redis, job, limit=2, times=1)
    store.jobs.blame(job.spec.id, 1)
    names = JobKeys.of(job.spec.id)
    for index in (0, 1):
        store.jobs.record(job.spec.id, "a", index, failed(), {})
    assert [redis.hlen(key) for key in (names.expiries, names.deaths)] == [0, 0]
    store.jobs.cancel(job.spec.id)
    assert redis.exists(names.expiries, names.deaths, names.attempts, names.holders) == 0
