"""Ranks: written once, in the step in which an item ends; read as a moment's view; gone with their job."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_driver

from proxy.aggregates import rank_all
from proxy.proxies import PROXIES
from proxy.ranking import Standing
from tests.workers.jobs import AGGREGATE, failed, new_items, new_job, scored, scored_by_both, submit
from workers import keys
from workers.aggregates import pack, unpack
from workers.errors import StoreUnavailable
from workers.keys import JobKeys
from workers.records import Job
from workers.settings import StoreSettings
from workers.store import Store, staging

BOTH: dict[str, Any] = {"proxies": ("croze", "params"), "aggregate": AGGREGATE}


def ranked(store: Store, job_id: str) -> dict[int, list[float]]:
    return {index: [*row] for index, row in store.jobs.ranked(job_id, 2).items()}


def rank_keys(redis: redis_driver.Redis, job_id: str) -> list[bytes]:
    return [bytes(key) for key in redis.scan_iter(f"{JobKeys.of(job_id).ranks}*")]


def read(store: Store, job_id: str) -> Job:
    job = store.jobs.get(job_id)
    assert job is not None
    return job


def test_an_item_is_ranked_when_it_ends_if_it_has_all_values(store: Store) -> None:
    job_id = submit(store, 5, **BOTH).spec.id
    store.jobs.record(job_id, "w", 3, scored_by_both(1 / 3, 7.0), {})
    store.jobs.record(job_id, "w", 0, scored(2.0), {})
    store.jobs.record(job_id, "w", 1, failed(), {})
    store.jobs.record(job_id, "w", 2, scored_by_both(None, 7.0), {})
    assert ranked(store, job_id) == {3: [1 / 3, 7.0]}
    assert read(store, job_id).counts.failed == 2


@pytest.mark.parametrize("value", [5e-324, -1.7976931348623157e308, 0.1, 1e22, 123456789.123456789])
def test_every_bit_of_a_value_is_kept(store: Store, value: float) -> None:
    job_id = submit(store, 2, **BOTH).spec.id
    store.jobs.record(job_id, "w", 1, scored_by_both(value, 1.0), {})
    assert struct.pack("d", ranked(store, job_id)[1][0]) == struct.pack("d", value)


def test_the_first_writer_decides(store: Store) -> None:
    job_id = submit(store, 2, **BOTH).spec.id
    assert store.jobs.record(job_id, "w", 0, scored_by_both(1.0), {})
    assert not store.jobs.record(job_id, "late", 0, scored_by_both(2.0), {})
    store.jobs.cancel(job_id)
    assert not store.jobs.record(job_id, "late", 1, scored_by_both(3.0), {})
    assert ranked(store, job_id) == {0: [1.0, 1.0]}


def test_known_items_are_ranked_from_the_start(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "CHUNK", 2)
    known = {0: scored_by_both(4.0), 3: scored_by_both(0.1, 0.2), 4: failed(), 6: scored(1.0)}
    job_id = store.jobs.create(new_job(**BOTH), new_items(7), known).spec.id
    assert ranked(store, job_id) == {0: [4.0, 4.0], 3: [0.1, 0.2]}
    store.jobs.record(job_id, "w", 5, scored_by_both(5.0), {})
    assert set(ranked(store, job_id)) == {0, 3, 5}


def test_how_items_compare_is_what_all_ranks_say(store: Store) -> None:
    job_id = submit(store, 6, **BOTH).spec.id
    values = [3.0, 1.0, 3.00001, 3.0, 9.0]
    for index, value in enumerate(values):
        store.jobs.record(job_id, "w", index, scored_by_both(value, -value), {})
    rows = ranked(store, job_id)
    compared = store.jobs.compared(job_id, {2: rows[2], 4: rows[4]})
    assert compared[2] == ([Standing(1, 3), Standing(1, 3)], 5)
    assert compared[4] == ([Standing(4, 1), Standing(0, 1)], 5)
    assert store.jobs.compared(job_id, {}) == {}
    assert rank_all(rows)[4].rank in range(1, 6)


def test_many_items_are_compared_in_steps(store: Store) -> None:
    job_id = submit(store, 243, **BOTH).spec.id
    for index in range(243):
        store.jobs.record(job_id, "w", index, scored_by_both(float(index)), {})
    compared = store.jobs.compared(job_id, ranked(store, job_id))
    assert [compared[index].standings[0].worse for index in range(243)] == [*range(243)]


def test_a_job_without_an_aggregate_has_no_ranks(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 1, proxies=("croze", "params")).spec.id
    store.jobs.record(job_id, "w", 0, scored_by_both(1.0), {})
    assert rank_keys(redis, job_id) == []
    assert "aggregate=1" not in read(store, job_id).needs


def test_ranks_live_and_die_with_their_job(store: Store, redis: redis_driver.Redis) -> None:
    job = store.jobs.create(new_job(**BOTH), new_items(2), {0: scored_by_both(1.0)}, against=pack([[1.0, 2.0]]))
    job_id, names = job.spec.id, JobKeys.of(job.spec.id)
    assert "aggregate=1" in job.needs, "an older release would not write ranks"
    everything = [*rank_keys(redis, job_id), names.against.encode()]
    assert len(everything) == 3
    assert {redis.ttl(key) for key in everything} == {-1}
    store.jobs.record(job_id, "w", 1, scored_by_both(2.0), {})
    assert all(0 < redis.pttl(key) <= redis.pttl(names.job) + 1000 for key in everything)
    assert store.jobs.delete(job_id)
    assert redis.keys(f"{keys.PREFIX}job:{job_id}*") == []
    assert not store.jobs.record(job_id, "late", 1, scored_by_both(2.0), {})
    assert redis.keys(f"{keys.PREFIX}job:{job_id}*") == []


def test_ranks_of_a_canceled_job_stay_as_they_are(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=1000.0))
    job_id = submit(store, 3, **BOTH).spec.id
    store.jobs.record(job_id, "w", 0, scored_by_both(1.0), {})
    store.jobs.cancel(job_id)
    assert ranked(store, job_id) == {0: [1.0, 1.0]}
    assert all(0 < redis.ttl(key) <= 1000 for key in rank_keys(redis, job_id))


def test_where_lower_is_better_the_order_is_turned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROXIES, "params", replace(PROXIES["params"], direction="lower_is_better"))
    known = {0: scored_by_both(1.0, 5.0)}
    job_id = store.jobs.create(new_job(**BOTH), new_items(2), known).spec.id
    store.jobs.record(job_id, "w", 1, scored_by_both(2.0, 6.0), {})
    assert ranked(store, job_id) == {0: [1.0, -5.0], 1: [2.0, -6.0]}


@pytest.mark.parametrize("lost", ["ranks:1", "against"])
def test_a_job_whose_staged_ranks_have_expired_is_not_accepted(
    store: Store, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    real = store._wire.transaction

    def losing(*commands: Any, **more: Any) -> Any:
        if commands[0][0] == "EVAL":
            redis.delete(*redis.keys(f"{keys.PREFIX}staged:*:{lost}"))
        return real(*commands, **more)

    monkeypatch.setattr(store._wire, "transaction", losing)
    spec = new_job(**BOTH)
    with pytest.raises(StoreUnavailable, match="nothing was accepted"):
        store.jobs.create(spec, new_items(2), {0: scored_by_both(1.0)}, against=pack([[1.0, 2.0]]))
    assert redis.keys(f"{keys.PREFIX}job:{spec.id}*") == []


def test_what_is_ranked_against_is_kept_with_the_job(store: Store) -> None:
    content = pack([[3.0, 1.0], [1.0, 2.0], [2.0, 3.5]])
    job_id = store.jobs.create(new_job(**BOTH), new_items(1), {}, against=content).spec.id
    kept = store.jobs.against(job_id)
    assert kept == content
    first, second = unpack(kept, 2)
    assert [first.standing(2.0), second.standing(3.6)] == [(1, 1), (3, 0)]
    assert store.jobs.against(submit(store, 1).spec.id) is None


def test_both_protocols_of_redis_give_the_same(redis_url: str, store: Store) -> None:
    job_id = submit(store, 2, **BOTH).spec.id
    store.jobs.record(job_id, "w", 0, scored_by_both(1.5, 2.5), {})
    for protocol in (2, 3):
        with redis_driver.Redis.from_url(redis_url, protocol=protocol) as client:
            assert ranked(Store(client), job_id) == {0: [1.5, 2.5]}
            assert Store(client).jobs.compared(job_id, {0: [1.5, 2.5]})[0].size == 1
