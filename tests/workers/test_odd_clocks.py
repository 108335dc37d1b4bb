"""Suspended workers and wrong clocks: Redis' clock alone says who is gone, and a late result counts once or never."""

from __future__ import annotations

import signal

import pytest
import redis as redis_driver

from tests.workers import quick_engine
from tests.workers.jobs import BATCH, submit
from tests.workers.odd_worker import odd_worker
from tests.workers.processes import wait_until
from tests.workers.test_targeted_kills import ITEMS, PATIENCE_S, check_scored_once, get, wait_for_end
from tests.workers.traces import leaks
from workers.keys import JobKeys
from workers.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _batch(store: Store) -> None:
    store.batches.put(BATCH, listed=False)


def holders(redis: redis_driver.Redis, job_id: str) -> set[str]:
    found: list[bytes] = redis.hvals(JobKeys.of(job_id).holders)  # type: ignore[assignment]
    return {name.decode() for name in found}


def last_lease(redis: redis_driver.Redis, job_id: str) -> float:
    """When the last lease on an item of the job ends, by Redis' clock."""
    (last,) = redis.zrange(JobKeys.of(job_id).leases, -1, -1, withscores=True)
    assert isinstance(last, tuple | list)
    return float(last[1])


def worker_of(store: Store, pid: int) -> str | None:
    return next((each.id for each in store.fleet.workers() if each.pid == pid), None)


def test_a_worker_suspended_beyond_its_lease_loses_to_another(
    store: Store, redis: redis_driver.Redis, redis_url: str
) -> None:
    job_id = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
    with odd_worker(redis_url) as suspended:
        assert wait_until(lambda: bool(holders(redis, job_id)), PATIENCE_S)
        suspended.send_signal(signal.SIGSTOP)
        try:
            with odd_worker(redis_url):
                done = wait_for_end(store, job_id)
        finally:
            suspended.send_signal(signal.SIGCONT)
        check_scored_once(store, done)
        # Awake, it finds that nobody wants what it has, and is fit for the next job.
        check_scored_once(store, wait_for_end(store, submit(store, ITEMS).spec.id))
        check_scored_once(store, get(store, job_id))
        assert get(store, job_id) == done
        assert suspended.poll() is None
    assert leaks(redis) == []


def test_a_worker_suspended_beyond_its_lease_goes_on_if_nobody_else_came(
    store: Store, redis: redis_driver.Redis, redis_url: str
) -> None:
    job_id = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
    with odd_worker(redis_url) as suspended:
        assert wait_until(lambda: bool(holders(redis, job_id)), PATIENCE_S)
        suspended.send_signal(signal.SIGSTOP)
        lease = last_lease(redis, job_id)
        assert wait_until(lambda: store.fleet.now() > lease, PATIENCE_S)
        suspended.send_signal(signal.SIGCONT)
        check_scored_once(store, wait_for_end(store, job_id))


def test_a_late_result_wins_if_it_comes_first(store: Store, redis: redis_driver.Redis, redis_url: str) -> None:
    job_id = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
    with odd_worker(redis_url) as suspended:
        assert wait_until(lambda: bool(holders(redis, job_id)), PATIENCE_S)
        suspended.send_signal(signal.SIGSTOP)
        try:
            assert wait_until(lambda: store.jobs.claim(job_id, "thief", ITEMS) != [] or _all_stolen(redis, job_id), 60)
        finally:
            suspended.send_signal(signal.SIGCONT)
        # The thief does nothing: the one that was suspended has the first result, and after it all others.
        check_scored_once(store, wait_for_end(store, job_id))
    assert leaks(redis) == []


def _all_stolen(redis: redis_driver.Redis, job_id: str) -> bool:
    return holders(redis, job_id) == {"thief"}


def test_clocks_of_hosts_do_not_matter(store: Store, redis: redis_driver.Redis, redis_url: str) -> None:
    with odd_worker(redis_url, clock_s=3600.0) as ahead, odd_worker(redis_url, clock_s=-3600.0) as behind:
        pids = {ahead.pid, behind.pid}
        assert wait_until(lambda: {each.pid for each in store.fleet.workers()} == pids, PATIENCE_S)
        now = store.fleet.now()
        assert all(now - PATIENCE_S < each.started_at <= now for each in store.fleet.workers())
        check_scored_once(store, wait_for_end(store, submit(store, ITEMS, seed=1).spec.id))

        slow = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
        victim = worker_of(store, ahead.pid)
        assert victim is not None
        assert wait_until(lambda: victim in holders(redis, slow), PATIENCE_S)
        lease = last_lease(redis, slow)
        ahead.kill()
        # Not at once, as an hour's difference would have it, and not in an hour.
        assert wait_until(lambda: victim not in holders(redis, slow), PATIENCE_S)
        assert store.fleet.now() >= lease
        check_scored_once(store, wait_for_end(store, slow))
    assert leaks(redis) == []


def test_a_late_result_for_a_deleted_job_resurrects_nothing(
    store: Store, redis: redis_driver.Redis, redis_url: str
) -> None:
    job_id = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
    with odd_worker(redis_url) as suspended:
        assert wait_until(lambda: bool(holders(redis, job_id)), PATIENCE_S)
        suspended.send_signal(signal.SIGSTOP)
        try:
            assert store.jobs.delete(job_id)
        finally:
            suspended.send_signal(signal.SIGCONT)
        # It has dealt with what it had in hand when it takes something else.
        check_scored_once(store, wait_for_end(store, submit(store, ITEMS).spec.id))
    assert store.jobs.get(job_id) is None
    assert redis.keys(f"{JobKeys.of(job_id).job}*") == []
    assert leaks(redis) == []
