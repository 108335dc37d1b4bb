"""The cache of scores is bounded: where memory is scarce, what was used longest ago gives way to new jobs."""

from __future__ import annotations

import pytest
import redis as redis_driver

from tests.workers.jobs import score, scored, submit
from tests.workers.store.test_admission import memory_limit
from workers import keys
from workers.reconciler import Reconciler
from workers.store import Store

COUNT = 400


def address(number: int) -> str:
    return f"{number:064x}"


@pytest.fixture
def remembered(store: Store, redis: redis_driver.Redis) -> list[str]:
    """Addresses of scores: each was used a minute later than the one before."""
    addresses = [address(number) for number in range(COUNT)]
    store.scores.remember(dict.fromkeys(addresses, score()))
    for number, each in enumerate(addresses):
        redis.expire(keys.score(each), 3600 + 60 * number)
    return addresses


def trim(store: Store, redis: redis_driver.Redis) -> int:
    """A turn, whoever had the last one and when."""
    redis.delete(keys.TRIMMING)
    forgotten = store.scores.trim("w")
    assert forgotten is not None
    return forgotten


def left(store: Store, redis: redis_driver.Redis, addresses: list[str]) -> list[int]:
    """The numbers of those that are remembered still."""
    return [number for number, each in enumerate(addresses) if redis.exists(keys.score(each))]


def test_where_memory_is_scarce_the_least_recently_used_go(
    store: Store, redis: redis_driver.Redis, remembered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.store.scores._STEPS", 1)
    with memory_limit(redis, 0.75):
        assert trim(store, redis) == COUNT // 4
    assert left(store, redis, remembered) == [*range(COUNT // 4, COUNT)]
    assert redis.scard(keys.SCORES) == COUNT * 3 // 4


def test_all_go_if_that_is_not_enough(store: Store, redis: redis_driver.Redis, remembered: list[str]) -> None:
    with memory_limit(redis, 0.75):
        assert trim(store, redis) > COUNT * 0.9
        trim(store, redis)
        trim(store, redis)
    assert left(store, redis, remembered) == []
    assert redis.exists(keys.SCORES) == 0


@pytest.mark.parametrize("share", [0.65, None])
def test_where_there_is_room_all_stay(
    store: Store, redis: redis_driver.Redis, remembered: list[str], share: float | None
) -> None:
    if share is None:
        assert trim(store, redis) == 0
    else:
        with memory_limit(redis, share):
            assert trim(store, redis) == 0
    assert len(left(store, redis, remembered)) == COUNT


def test_it_stops_as_soon_as_there_is_room(store: Store, redis: redis_driver.Redis, remembered: list[str]) -> None:
    redis.setrange(keys.score(remembered[0]), 2 * 2**20, "x")
    redis.expire(keys.score(remembered[0]), 60)
    with memory_limit(redis, 0.71):
        assert trim(store, redis) == COUNT // 4
    assert left(store, redis, remembered) == [*range(COUNT // 4, COUNT)]


def test_what_has_ended_by_itself_is_struck_out(store: Store, redis: redis_driver.Redis, remembered: list[str]) -> None:
    for each in remembered[:10]:
        redis.delete(keys.score(each))
    assert trim(store, redis) == 0
    assert redis.scard(keys.SCORES) == COUNT - 10


def test_what_a_job_has_computed_can_go_too_and_stays_in_the_job(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 3).spec.id
    for claim in store.jobs.claim(job_id, "w", 3):
        assert store.jobs.record(job_id, "w", claim.item.index, scored(), {address(7): score()})
    assert redis.smembers(keys.SCORES) == {keys.score(address(7)).encode()}
    with memory_limit(redis, 0.9):
        assert trim(store, redis) == 1
    job = store.jobs.get(job_id)
    assert job is not None
    assert job.counts.scored == 3


def test_one_worker_at_a_time_makes_room(store: Store, redis: redis_driver.Redis) -> None:
    Reconciler(store, "one").turn()
    assert store.scores.trim("other") is None
    assert 0 < int(redis.pttl(keys.TRIMMING)) <= keys.TRIM_S * 1000
