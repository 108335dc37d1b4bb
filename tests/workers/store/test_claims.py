"""Claiming, renewing, handing back: every item has at most one holder, and none is held for ever."""

from __future__ import annotations

import time

import pytest
import redis as redis_driver

from tests.workers.jobs import indexes, scored, submit
from workers import keys
from workers.keys import JobKeys
from workers.records import Job
from workers.store import Store


@pytest.fixture
def job(store: Store) -> Job:
    return submit(store, 6)


def expire_leases(redis: redis_driver.Redis, job_id: str) -> None:
    """As if every holder had been silent for long."""
    redis.zadd(JobKeys.of(job_id).leases, {str(index): 1.0 for index in range(100)}, xx=True)


def test_the_lowest_open_items_are_leased(store: Store, job: Job) -> None:
    first, second = (store.jobs.claim(job.spec.id, worker, 2) for worker in ("a", "b"))
    assert indexes(first) == [0, 1]
    assert indexes(second) == [2, 3]
    assert first[1].item == store.jobs.items(job.spec.id, 1, 1)[0].spec
    assert {claim.attempt for claim in first} == {1}
    assert indexes(store.jobs.claim(job.spec.id, "a", 99)) == [4, 5]
    assert store.jobs.claim(job.spec.id, "a", 99) == []


def test_the_first_claim_starts_the_job(store: Store, job: Job) -> None:
    store.jobs.claim(job.spec.id, "a", 1)
    running = store.jobs.get(job.spec.id)
    assert running is not None
    assert running.status == "running"
    assert (running.counts.queued, running.counts.running) == (5, 1)
    assert running.started_at is not None
    assert running.started_at >= job.created_at
    store.jobs.claim(job.spec.id, "b", 1)
    later = store.jobs.get(job.spec.id)
    assert later is not None
    assert later.started_at == running.started_at
    assert [item.status for item in store.jobs.items(job.spec.id, 0, 3)] == ["running", "running", "queued"]


def test_an_expired_lease_is_open_again(store: Store, job: Job, redis: redis_driver.Redis) -> None:
    store.jobs.claim(job.spec.id, "dead", 3)
    expire_leases(redis, job.spec.id)
    claims = store.jobs.claim(job.spec.id, "alive", 2)
    assert indexes(claims) == [0, 1]
    assert {claim.attempt for claim in claims} == {2}
    assert not redis.hexists(JobKeys.of(job.spec.id).holders, "2")


def test_leases_end_by_redis_clock_alone(
    store: Store, job: Job, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 4e9)
    store.jobs.claim(job.spec.id, "a", 1)
    end = redis.zscore(JobKeys.of(job.spec.id).leases, "0")
    assert end == pytest.approx(store.fleet.now() + keys.LEASE_S, abs=2.0)
    assert indexes(store.jobs.claim(job.spec.id, "b", 1)) == [1]


def test_a_lease_really_ends(store: Store, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "LEASE_S", 0.05)
    store.jobs.claim(job.spec.id, "a", 1)
    time.sleep(0.1)
    assert indexes(store.jobs.claim(job.spec.id, "b", 1)) == [0]


def test_renewing_keeps_a_lease(store: Store, job: Job, redis: redis_driver.Redis) -> None:
    store.jobs.claim(job.spec.id, "a", 2)
    expire_leases(redis, job.spec.id)
    assert store.jobs.renew(job.spec.id, "a", [0, 1])
    assert indexes(store.jobs.claim(job.spec.id, "b", 2)) == [2, 3]


def test_only_the_holder_renews(store: Store, job: Job, redis: redis_driver.Redis) -> None:
    store.jobs.claim(job.spec.id, "a", 1)
    expire_leases(redis, job.spec.id)
    assert store.jobs.renew(job.spec.id, "b", [0])
    assert indexes(store.jobs.claim(job.spec.id, "c", 1)) == [0]


def test_a_lease_that_ran_out_is_taken_again_unless_somebody_else_has_it(
    store: Store, job: Job, redis: redis_driver.Redis
) -> None:
    store.jobs.claim(job.spec.id, "away", 2)
    expire_leases(redis, job.spec.id)
    store.jobs.claim(job.spec.id, "other", 1)
    assert store.jobs.renew(job.spec.id, "away", [0, 1])
    holders = redis.hgetall(JobKeys.of(job.spec.id).holders)
    assert holders == {b"0": b"other", b"1": b"away"}


def test_what_is_handed_back_is_open(store: Store, job: Job) -> None:
    store.jobs.claim(job.spec.id, "a", 3)
    assert store.jobs.release(job.spec.id, "a", [0, 2]) == 2
    assert store.jobs.release(job.spec.id, "b", [1]) == 0
    assert indexes(store.jobs.claim(job.spec.id, "b", 2)) == [0, 2]


def test_an_ended_item_is_neither_renewed_nor_handed_back(store: Store, job: Job) -> None:
    store.jobs.claim(job.spec.id, "a", 1)
    store.jobs.record(job.spec.id, "a", 0, scored(), {})
    assert store.jobs.renew(job.spec.id, "a", [0])
    assert store.jobs.release(job.spec.id, "a", [0]) == 0
    assert indexes(store.jobs.claim(job.spec.id, "b", 1)) == [1]


def test_an_ended_job_wants_nothing(store: Store, job: Job) -> None:
    store.jobs.claim(job.spec.id, "a", 2)
    assert store.jobs.is_wanted(job.spec.id)
    store.jobs.cancel(job.spec.id)
    assert not store.jobs.is_wanted(job.spec.id)
    assert not store.jobs.renew(job.spec.id, "a", [0, 1])
    assert store.jobs.claim(job.spec.id, "a", 5) == []
    assert store.jobs.release(job.spec.id, "a", [0, 1]) == 0
    assert store.jobs.blame(job.spec.id, 0) == 0


def test_engine_deaths_are_counted_per_item(store: Store, job: Job) -> None:
    assert [store.jobs.blame(job.spec.id, index) for index in (0, 1, 0)] == [1, 1, 2]
