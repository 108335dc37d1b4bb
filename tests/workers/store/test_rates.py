"""An allowance per minute, by Redis' clock. Three a minute: one more every 20 seconds, which no test waits for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis as redis_driver

from workers import keys
from workers.errors import RateLimited
from workers.store import Store

PER_MINUTE = 3


def left(store: Store, amount: int = 1, owner: str = "alice") -> int:
    """What is left after taking that many."""
    rate = store.rates.take("items", owner, amount, PER_MINUTE)
    assert rate is not None
    return rate.left


def refused(store: Store, amount: int) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        left(store, amount)
    return caught.value


def test_one_rule_for_one_and_for_many(store: Store) -> None:
    assert [left(store) for _ in range(PER_MINUTE)] == [2, 1, 0]
    assert left(store, PER_MINUTE, "bob") == 0

    for amount in (1, PER_MINUTE):
        error = refused(store, amount)
        assert 0 < error.retry_after <= 20 * amount
        assert (error.rate.kind, error.rate.per_minute, error.rate.left) == ("items", PER_MINUTE, 0)
        assert f"{amount} now" in error.message


def test_what_is_refused_uses_up_nothing(store: Store) -> None:
    assert left(store, 2) == 1
    assert refused(store, 2).rate.left == 1
    assert left(store, 1) == 0


def test_it_refills_steadily(store: Store, redis: redis_driver.Redis) -> None:
    left(store, PER_MINUTE)
    whole_at = float(redis.get(keys.rate("items", "alice")) or 0)

    redis.set(keys.rate("items", "alice"), whole_at - 41)  # as if 41 seconds had passed

    assert refused(store, PER_MINUTE).rate.left == 2
    assert left(store, 2) == 0


def test_an_allowance_that_is_whole_leaves_no_key(store: Store, redis: redis_driver.Redis) -> None:
    assert store.rates.take("requests", "alice", 1, 6000) is not None
    lifetime = redis.pttl(keys.rate("requests", "alice"))
    assert isinstance(lifetime, int)
    assert lifetime <= 11


def test_two_cannot_both_have_the_last(store: Store) -> None:
    def taken(_: int) -> bool:
        try:
            left(store)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as clients:
        assert sum(clients.map(taken, range(24))) == PER_MINUTE


def test_a_full_server_counts_nothing_and_refuses_nobody(store: Store, redis: redis_driver.Redis) -> None:
    redis.config_set("maxmemory", "1")
    try:
        assert store.rates.take("requests", "alice", 1, PER_MINUTE) is None
    finally:
        redis.config_set("maxmemory", "0")
