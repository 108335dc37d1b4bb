"""Which jobs have to be rung, and that rings do not pile up."""

from __future__ import annotations

import redis as redis_driver

from proxy.numerics import REVISION
from tests.workers.jobs import finish_all, submit
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.store import Store

QUEUE = f"rq:queue:{keys.QUEUE}"


def hear(redis: redis_driver.Redis) -> str:
    """Take the next ring, as a worker does."""
    ring = redis.lpop(QUEUE)
    assert isinstance(ring, bytes)
    return ring.decode().rpartition("-")[0]


def test_a_job_is_at_most_once_in_the_queue(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 3).spec.id
    for _ in range(3):
        store.jobs.ring(job_id)
    assert redis.llen(QUEUE) == 1


def test_jobs_take_turns(store: Store, redis: redis_driver.Redis) -> None:
    first, second = (submit(store, 9).spec.id for _ in range(2))
    heard = []
    for _ in range(4):
        heard.append(hear(redis))
        store.jobs.claim(heard[-1], "w", 1)
        store.jobs.ring(heard[-1])
    assert heard == [first, second, first, second]


def test_a_job_without_open_items_is_not_rung(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    redis.delete(QUEUE)
    store.jobs.claim(job_id, "w", 2)
    store.jobs.ring(job_id)
    assert redis.llen(QUEUE) == 0


def test_open_items_without_a_ring_are_noticed(store: Store, redis: redis_driver.Redis) -> None:
    first, second, rung = (submit(store, 2).spec.id for _ in range(3))
    redis.lpop(QUEUE, 2)
    assert store.jobs.unrung() == [first, second]
    store.jobs.ring(second)
    assert store.jobs.unrung() == [first]
    assert rung not in store.jobs.unrung()


def test_leased_items_are_noticed_once_their_leases_are_over(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    redis.delete(QUEUE)
    store.jobs.claim(job_id, "w", 2)
    assert store.jobs.unrung() == []
    expire_leases(redis, job_id)
    assert store.jobs.unrung() == [job_id]


def test_ended_jobs_are_not_rung(store: Store, redis: redis_driver.Redis) -> None:
    done, canceled = (submit(store, 2).spec.id for _ in range(2))
    redis.delete(QUEUE)
    finish_all(store, done)
    store.jobs.cancel(canceled)
    assert store.jobs.unrung() == []


def test_a_job_whose_record_was_lost_is_forgotten(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    redis.delete(QUEUE, keys.JobKeys.of(job_id).job)
    assert store.jobs.unrung() == []
    assert redis.zcard(keys.UNFINISHED) == 0


def test_one_worker_at_a_time_rings_what_was_forgotten(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    redis.delete(QUEUE)
    assert store.jobs.ring_forgotten("a") == [job_id]
    assert store.jobs.ring_forgotten("b") is None
    turn = keys.reconciling(REVISION)
    assert 0 < redis.pttl(turn) <= keys.RECONCILE_S * 1000
    redis.delete(turn)
    assert store.jobs.ring_forgotten("b") == []
    assert redis.llen(QUEUE) == 1


def test_an_urgent_job_is_heard_before_all_others(store: Store, redis: redis_driver.Redis) -> None:
    normal = [submit(store, 4).spec.id for _ in range(2)]
    urgent = submit(store, 2, priority="urgent").spec.id
    heard = []
    for _ in range(4):
        heard.append(hear(redis))
        store.jobs.claim(heard[-1], "w", 1)
        store.jobs.ring(heard[-1])
    assert heard == [urgent, urgent, *normal]


def test_a_forgotten_urgent_job_is_rung_at_the_front(store: Store, redis: redis_driver.Redis) -> None:
    urgent = submit(store, 2, priority="urgent").spec.id
    redis.delete(QUEUE)
    submit(store, 2)
    assert store.jobs.ring_forgotten("a") == [urgent]
    assert hear(redis) == urgent
