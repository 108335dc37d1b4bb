"""The lease in hand: renewed while it is held, given back when it is not, and never taken back after that."""

from __future__ import annotations

import pytest
import redis as redis_driver

from tests.workers.jobs import indexes, scored, submit
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.errors import StoreUnavailable
from workers.keys import JobKeys
from workers.leases import Leases
from workers.store import Store

QUEUE = f"rq:queue:{keys.QUEUE}"


@pytest.fixture
def leases(store: Store) -> Leases:
    return Leases(store, "me")


def claimed(store: Store, count: int) -> tuple[str, list[int]]:
    """A job of which `me` has claimed everything."""
    job_id = submit(store, count).spec.id
    return job_id, indexes(store.jobs.claim(job_id, "me", count))


def test_what_is_left_is_given_back_and_rung(store: Store, leases: Leases, redis: redis_driver.Redis) -> None:
    job_id, held = claimed(store, 3)
    redis.delete(QUEUE)
    with leases.holding(job_id, held) as lease:
        while_held = leases.job_id
        store.jobs.record(job_id, "me", 1, scored(), {})
        leases.finished(lease, 1)
    assert (while_held, leases.job_id) == (job_id, None)
    assert redis.llen(QUEUE) == 1
    assert indexes(store.jobs.claim(job_id, "other", 5)) == [0, 2]


def test_nothing_left_is_not_rung(store: Store, leases: Leases, redis: redis_driver.Redis) -> None:
    job_id, held = claimed(store, 1)
    redis.delete(QUEUE)
    with leases.holding(job_id, held) as lease:
        store.jobs.record(job_id, "me", 0, scored(), {})
        leases.finished(lease, 0)
    assert redis.llen(QUEUE) == 0


def test_an_error_gives_back_too(store: Store, leases: Leases) -> None:
    job_id, held = claimed(store, 2)

    def fail() -> None:
        with leases.holding(job_id, held):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert indexes(store.jobs.claim(job_id, "other", 5)) == [0, 1]


def test_only_what_is_held_is_renewed(store: Store, leases: Leases, redis: redis_driver.Redis) -> None:
    job_id, held = claimed(store, 2)
    with leases.holding(job_id, held[:1]) as lease:
        expire_leases(redis, job_id)
        leases.renew()
        ends = [redis.zscore(JobKeys.of(job_id).leases, str(index)) for index in held]
        assert lease.wanted
    assert ends[0] == pytest.approx(store.fleet.now() + keys.LEASE_S, abs=2)
    assert ends[1] == 1.0


def test_nothing_is_renewed_after_it_was_given_back(store: Store, leases: Leases) -> None:
    job_id, held = claimed(store, 1)
    with leases.holding(job_id, held):
        pass
    leases.renew()
    leases.check()
    assert indexes(store.jobs.claim(job_id, "other", 1)) == [0]


@pytest.mark.parametrize("look", [Leases.renew, Leases.check])
def test_the_end_of_the_job_is_learned(store: Store, leases: Leases, look: object) -> None:
    job_id, held = claimed(store, 1)
    with leases.holding(job_id, held) as lease:
        store.jobs.cancel(job_id)
        assert callable(look)
        look(leases)
        assert not lease.wanted


def test_redis_being_away_leaves_it_to_the_end_of_the_leases(
    store: Store, leases: Leases, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> int:
        raise StoreUnavailable("away")

    job_id, held = claimed(store, 2)
    monkeypatch.setattr(store.jobs, "release", away)
    with leases.holding(job_id, held):
        pass
    assert "2 items are open again only when their leases end: away" in caplog.text
