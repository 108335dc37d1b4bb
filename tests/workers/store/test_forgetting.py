"""Deleted and expired jobs: a tombstone stays, and no late write brings anything back."""

from __future__ import annotations

import time

import pytest
import redis as redis_driver

from tests.workers.jobs import finish_all, new_items, score, scored, submit
from workers import keys
from workers.errors import JobGone
from workers.keys import JobKeys
from workers.records import Tombstone
from workers.settings import StoreSettings
from workers.store import Store


def check_nothing_is_left(store: Store, redis: redis_driver.Redis, job_id: str) -> None:
    assert redis.keys(f"{keys.PREFIX}job:{job_id}*") == []
    assert store.jobs.get(job_id) is None
    assert store.jobs.items(job_id, 0, 9) == store.jobs.finished(job_id, 0, 9) == []
    assert redis.zscore(keys.UNFINISHED, job_id) is None


def test_a_deleted_job_leaves_a_tombstone_and_nothing_else(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 3, owner="alice").spec.id
    finish_all(store, job_id)
    assert store.jobs.tombstone(job_id) is None
    assert store.jobs.delete(job_id)
    check_nothing_is_left(store, redis, job_id)
    assert store.jobs.tombstone(job_id) == Tombstone(how="deleted", owner="alice")
    assert 0 < redis.pttl(JobKeys.of(job_id).gone) <= keys.TOMBSTONE_S * 1000
    assert store.jobs.newest(None, None, 9) == store.jobs.newest("alice", None, 9) == ([], None)
    assert not store.jobs.delete(job_id)


def test_a_running_job_is_canceled_and_deleted_in_one_step(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 3).spec.id
    store.jobs.claim(job_id, "w", 2)
    assert store.jobs.delete(job_id)
    check_nothing_is_left(store, redis, job_id)
    assert store.figures().jobs["canceled"] == 1
    assert not store.jobs.is_wanted(job_id)


def test_late_writes_bring_nothing_back(store: Store, redis: redis_driver.Redis) -> None:
    job = submit(store, 3)
    job_id = job.spec.id
    store.jobs.claim(job_id, "late", 2)
    store.jobs.delete(job_id)
    assert not store.jobs.record(job_id, "late", 0, scored(), {"address": score()})
    assert not store.jobs.renew(job_id, "late", [0, 1])
    assert store.jobs.release(job_id, "late", [0, 1]) == 0
    assert store.jobs.blame(job_id, 0) == 0
    assert store.jobs.claim(job_id, "late", 5) == []
    assert store.jobs.cancel(job_id) is None
    check_nothing_is_left(store, redis, job_id)
    assert store.scores.known(["address"]) == [None]


def test_an_id_is_not_given_again_while_a_late_write_could_come(store: Store) -> None:
    job = submit(store, 2)
    store.jobs.delete(job.spec.id)
    with pytest.raises(JobGone, match="has been"):
        store.jobs.create(job.spec, new_items(2), {})
    assert store.jobs.get(job.spec.id) is None


def test_an_expired_job_leaves_a_tombstone_too(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=0.05))
    job_id = submit(store, 1, owner="a:b").spec.id
    finish_all(store, job_id)
    time.sleep(0.1)
    check_nothing_is_left(store, redis, job_id)
    assert store.jobs.tombstone(job_id) == Tombstone(how="expired", owner="a:b")
    assert keys.TOMBSTONE_S * 1000 - 60_000 < redis.pttl(JobKeys.of(job_id).gone) <= keys.TOMBSTONE_S * 1000
    assert store.jobs.newest(None, None, 9) == ([], None)
    assert redis.zcard(keys.jobs(None)) == 0


def test_what_never_was_has_no_tombstone(store: Store) -> None:
    assert store.jobs.tombstone("none") is None
    assert not store.jobs.delete("none")
