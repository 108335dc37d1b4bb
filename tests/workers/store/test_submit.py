"""Submitting: all or nothing, and what is known already needs no worker."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import redis as redis_driver

from tests.workers.jobs import failed, new_items, new_job, scored, submit
from workers import keys
from workers.enqueue import Doorbell
from workers.errors import StoreError, StoreUnavailable
from workers.settings import StoreSettings
from workers.store import Store, staging


def test_a_new_job_is_queued_and_reads_back_as_it_was_given(store: Store) -> None:
    spec, items = new_job(proxies=("croze", "params"), metadata={"owner": {"name": "Zoë"}}), new_items(5)
    job = store.jobs.create(spec, items, {})
    assert job == store.jobs.get(spec.id)
    assert job.spec == spec
    assert (job.status, job.started_at, job.finished_at, job.expires_at) == ("queued", None, None, None)
    assert (job.counts.total, job.counts.queued) == (5, 5)
    read = store.jobs.items(spec.id, 0, 10)
    assert [item.spec for item in read] == items
    assert {item.status for item in read} == {"queued"}


def test_it_is_rung_once(store: Store, redis: redis_driver.Redis) -> None:
    job = submit(store, 3)
    assert Doorbell(redis).rung() == {job.spec.id}
    assert redis.llen(f"rq:queue:{keys.QUEUE}") == 1


def test_pages_are_in_input_order_across_chunks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "CHUNK", 3)
    job = store.jobs.create(new_job(), new_items(8), {4: scored()})
    pages = [store.jobs.items(job.spec.id, start, 3) for start in (0, 3, 6, 9)]
    assert [[item.spec.index for item in page] for page in pages] == [[0, 1, 2], [3, 4, 5], [6, 7], []]


def test_known_items_are_ended_from_the_start(store: Store) -> None:
    known = {1: scored(7.0), 2: failed()}
    job = store.jobs.create(new_job(), new_items(4), known)
    assert job.status == "queued"
    assert (job.counts.queued, job.counts.scored, job.counts.failed) == (2, 1, 1)
    assert [item.status for item in store.jobs.items(job.spec.id, 0, 9)] == ["queued", "scored", "failed", "queued"]
    assert [(item.spec.index, item.outcome) for item in store.jobs.finished(job.spec.id, 0, 9)] == [*known.items()]


def test_a_job_that_is_all_known_is_born_completed(store: Store, redis: redis_driver.Redis) -> None:
    job = store.jobs.create(new_job(), new_items(2), {0: scored(), 1: scored()})
    assert job.status == "completed"
    assert job.finished_at is not None
    assert job.counts.scored == 2
    assert redis.llen(f"rq:queue:{keys.QUEUE}") == 0
    assert store.jobs.unrung() == []


def test_a_kill_between_staging_and_creation_leaves_nothing(store: Store, redis: redis_driver.Redis) -> None:
    spec = new_job()
    killed = RuntimeError("killed")
    with patch.object(Doorbell, "ring", side_effect=killed), pytest.raises(RuntimeError, match="killed"):
        store.jobs.create(spec, new_items(5), {0: scored()})
    assert store.jobs.get(spec.id) is None
    assert store.jobs.items(spec.id, 0, 10) == []
    assert store.jobs.finished(spec.id, 0, 10) == []
    assert store.jobs.unrung() == []
    left = redis.keys(f"{keys.PREFIX}*")
    assert len(left) == 4
    assert all(0 < redis.pttl(key) <= keys.STAGING_S * 1000 for key in left)


def test_a_sender_that_was_too_slow_gets_no_half_job(store: Store, redis: redis_driver.Redis) -> None:
    real = staging.stage

    def expire_half(*args: object) -> keys.StagedKeys:
        staged = real(*args)  # type: ignore[arg-type]
        redis.ltrim(staged.items, 0, 1)
        return staged

    spec = new_job()
    with patch("workers.store.submitting.stage", expire_half), pytest.raises(StoreUnavailable, match="took too long"):
        store.jobs.create(spec, new_items(5), {})
    assert store.jobs.get(spec.id) is None
    assert store.jobs.claim(spec.id, "w", 5) == []


def test_an_id_is_given_once(store: Store) -> None:
    job = submit(store, 3)
    with pytest.raises(StoreError, match="exists"):
        store.jobs.create(job.spec, new_items(2), {})
    assert store.jobs.get(job.spec.id) == job
    assert len(store.jobs.items(job.spec.id, 0, 10)) == 3


def test_an_unfinished_job_never_expires(store: Store, redis: redis_driver.Redis) -> None:
    job = store.jobs.create(new_job(), new_items(4), {0: scored()})
    store.jobs.claim(job.spec.id, "w", 2)
    assert {redis.ttl(key) for key in redis.keys(f"{keys.PREFIX}job:*")} == {-1}


def test_a_job_keeps_its_batch_alive(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(batch_ttl=500.0))
    spec = new_job()
    redis.hset(keys.batch(spec.batch), "name", "x")
    redis.expire(keys.batch(spec.batch), 5)
    store.jobs.create(spec, new_items(1), {})
    assert 490 < redis.ttl(keys.batch(spec.batch)) <= 500


def test_nothing_is_known_of_a_job_that_never_was(store: Store) -> None:
    assert store.jobs.get("none") is None
    assert store.jobs.items("none", 0, 5) == []
    assert store.jobs.cancel("none") is None
    assert store.jobs.claim("none", "w", 5) == []
    assert not store.jobs.renew("none", "w", [0])
    assert not store.jobs.record("none", "w", 0, scored(), {})
    assert store.jobs.release("none", "w", [0]) == 0
    assert store.jobs.blame("none", 0) == 0
    store.jobs.ring("none")
    assert store.jobs.unrung() == []
