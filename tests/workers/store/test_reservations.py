"""Reservations: who computes a score, and until when. Items that wait for one are held by nobody."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import redis as redis_driver

from tests.workers.jobs import indexes, score, scored, submit
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.keys import JobKeys
from workers.store import Store


def remember(store: Store, address: str) -> None:
    store.jobs.record(submit(store, 1).spec.id, "w", 0, scored(), {address: score()})


def test_what_is_not_known_is_reserved_for_one_worker(store: Store, redis: redis_driver.Redis) -> None:
    remember(store, "known")
    cached = replace(score(), cached=True).to_json()
    assert store.scores.reserve("a", ["known", "new"], ["cheap"]) == [cached, None, None]
    assert redis.keys(f"{keys.PREFIX}reserved:*") == [keys.reservation("new").encode()]
    assert store.scores.reserve("b", ["other", "new"]) is None
    assert store.scores.reserve("b", ["other"]) == [None]
    assert store.scores.reserve("b", [], ["new"]) == [None]
    assert store.scores.reserve("a", ["new"]) == [None]


def test_a_refusal_reserves_nothing(store: Store) -> None:
    store.scores.reserve("a", ["taken"])
    assert store.scores.reserve("b", ["free", "taken"]) is None
    assert store.scores.reserve("c", ["free"]) == [None]


def test_only_its_worker_frees_a_reservation(store: Store) -> None:
    store.scores.reserve("a", ["x", "y"])
    store.scores.free("b", ["x"])
    assert store.scores.reserve("b", ["x"]) is None
    store.scores.free("a", ["x"])
    assert store.scores.reserve("b", ["x"]) == [None]
    assert store.scores.reserve("b", ["y"]) is None


def test_a_reservation_ends_by_itself_unless_it_is_renewed(store: Store, redis: redis_driver.Redis) -> None:
    store.scores.reserve("a", ["x", "y"])
    assert 0 < redis.pttl(keys.reservation("x")) <= keys.LEASE_S * 1000
    for address in ("x", "y"):
        redis.pexpire(keys.reservation(address), 50)
    store.scores.renew("b", ["y"])
    store.scores.renew("a", ["x"])
    assert redis.pttl(keys.reservation("x")) > 1000
    time.sleep(0.1)
    assert store.scores.reserve("b", ["x"]) is None
    assert store.scores.reserve("b", ["y"]) == [None]
    store.scores.renew("a", ["y"])
    store.scores.free("a", ["y"])
    assert store.scores.reserve("c", ["y"]) is None


def test_a_recorded_score_is_known_at_once(store: Store) -> None:
    store.scores.reserve("a", ["x"])
    remember(store, "x")
    assert store.scores.reserve("b", ["x"]) == [replace(score(), cached=True).to_json()]


def test_a_deferred_item_is_open_again_after_a_while(
    store: Store, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit(store, 3).spec.id
    store.jobs.claim(job_id, "a", 2)
    store.jobs.defer(job_id, "a", [0])
    store.jobs.defer(job_id, "b", [1])
    assert indexes(store.jobs.claim(job_id, "b", 5)) == [2]
    ends = [redis.zscore(JobKeys.of(job_id).leases, str(index)) for index in (0, 1)]
    assert ends == pytest.approx([store.fleet.now() + keys.DEFER_S, store.fleet.now() + keys.LEASE_S], abs=0.9)
    job = store.jobs.get(job_id)
    assert job is not None
    assert (job.counts.queued, job.counts.running) == (0, 3)
    assert store.jobs.renew(job_id, "a", [0, 1])
    assert store.jobs.release(job_id, "a", [0]) == 0
    monkeypatch.setattr(keys, "DEFER_S", 0.01)
    store.jobs.defer(job_id, "a", [1])
    time.sleep(0.05)
    redis.delete(f"rq:queue:{keys.QUEUE}")
    assert store.jobs.unrung() == [job_id]
    assert indexes(store.jobs.claim(job_id, "b", 5)) == [1]


def test_nothing_is_held_against_a_deferred_item(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    for _ in range(30):
        assert indexes(store.jobs.claim(job_id, "a", 2)) == [0, 1]
        store.jobs.defer(job_id, "a", [0, 1])
        expire_leases(redis, job_id)
    assert not redis.exists(JobKeys.of(job_id).expiries)


def test_a_deferred_item_is_canceled_with_its_job(store: Store) -> None:
    job_id = submit(store, 2).spec.id
    store.jobs.claim(job_id, "a", 2)
    store.jobs.defer(job_id, "a", [1])
    job = store.jobs.cancel(job_id)
    assert job is not None
    assert job.counts.canceled == 2


def test_a_record_frees_what_its_worker_has_reserved_and_nobody_elses(store: Store, redis: redis_driver.Redis) -> None:
    store.scores.reserve("a", ["x", "y"])
    store.scores.reserve("b", ["z"])
    job_id = submit(store, 2).spec.id
    assert store.jobs.record(job_id, "a", 0, scored(), {"x": score(), "y": score()}, ["x", "y", "z"])
    assert redis.keys(f"{keys.PREFIX}reserved:*") == [keys.reservation("z").encode()]
    assert store.scores.known(["x", "y", "z"])[2] is None
    assert None not in store.scores.known(["x", "y"])


def test_a_refused_record_frees_nothing(store: Store) -> None:
    job_id = submit(store, 2).spec.id
    store.jobs.record(job_id, "b", 0, scored(), {})
    store.scores.reserve("a", ["x"])
    assert not store.jobs.record(job_id, "a", 0, scored(), {"x": score()}, ["x"])
    assert store.scores.reserve("b", ["x"]) is None
