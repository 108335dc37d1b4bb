"""Bounds of the queue hold whoever submits at the same time, and accepted results always have room."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis as redis_driver

from tests.workers.jobs import finish_all, new_items, new_job, scored, submit
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.errors import Overload, QueueFull, QuotaExceeded, StoreFull
from workers.keys import JobKeys
from workers.records import Job, Limits
from workers.store import Store
from workers.store.admission import NO_LIMITS, result_bytes


def create(store: Store, count: int, limits: Limits, owner: str | None = "alice", known: int = 0) -> Job:
    outcomes = {index: scored() for index in range(known)}
    return store.jobs.create(new_job(owner=owner), new_items(count), outcomes, limits)


def open_items(redis: redis_driver.Redis) -> dict[str | bytes, str | bytes]:
    sums: dict[str | bytes, str | bytes] = redis.hgetall(keys.OPEN_ITEMS)
    each = result_bytes(new_job(), [])
    assert int(sums.pop(keys.OPEN_BYTES.encode(), 0)) == each * int(sums.get(b"", 0)), "what their results will take"
    return sums


@contextmanager
def memory_limit(redis: redis_driver.Redis, share: float) -> Iterator[int]:
    """The server now uses that share of what it may: of so much that its own housekeeping is no matter."""
    redis.setrange("ballast", 16 * 2**20, "x")
    used = int(redis.info("memory")["used_memory"])
    redis.config_set("maxmemory", str(int(used / share)))
    try:
        yield used
    finally:
        redis.config_set("maxmemory", "0")


def test_open_items_are_booked_until_they_end(store: Store, redis: redis_driver.Redis) -> None:
    one = create(store, 5, NO_LIMITS, known=2)
    create(store, 2, NO_LIMITS, owner=None)
    other = create(store, 4, NO_LIMITS, owner="bob")
    assert open_items(redis) == {b"": b"9", b"alice": b"3", b"bob": b"4"}

    claimed = store.jobs.claim(one.spec.id, "w", 2)
    assert open_items(redis)[b"alice"] == b"3", "an item in hand is open still"
    store.jobs.record(one.spec.id, "w", claimed[0].item.index, scored(), {})
    store.jobs.record(one.spec.id, "w", claimed[0].item.index, scored(), {})
    assert open_items(redis)[b"alice"] == b"2", "counted once"

    finish_all(store, one.spec.id)
    store.jobs.cancel(other.spec.id)
    store.jobs.cancel(other.spec.id)
    assert open_items(redis)[b""] == str(1 + 2).encode(), "one is leased; two have no owner"
    store.jobs.cancel(one.spec.id)
    assert open_items(redis) == {b"": b"2"}


def test_the_queue_is_bounded_in_all(store: Store, redis: redis_driver.Redis) -> None:
    limits = Limits(open_items=5, open_items_per_name=100)
    create(store, 3, limits)

    with pytest.raises(QueueFull, match="3 items wait or are worked on, and at most 5 may; 3 more"):
        create(store, 3, limits, owner="bob")
    assert redis.keys(f"{keys.PREFIX}staged:*") == [], "what was refused is gone at once"
    assert redis.zcard(keys.UNFINISHED) == 1
    create(store, 2, limits, owner=None)
    with pytest.raises(QueueFull):
        create(store, 1, limits)


def test_what_is_known_needs_no_room(store: Store) -> None:
    limits = Limits(open_items=1, open_items_per_name=1)
    create(store, 1, limits)

    assert create(store, 3, limits, known=3).status == "completed"
    with pytest.raises(Overload):
        create(store, 3, limits, known=2)


def test_each_owner_has_a_quota_and_jobs_without_owner_have_none(store: Store) -> None:
    limits = Limits(open_items=100, open_items_per_name=4)
    first = create(store, 4, limits)

    with pytest.raises(QuotaExceeded, match=r"'alice' has 4 items .* at most 4; 1 more") as caught:
        create(store, 1, limits)
    assert caught.value.retry_after > 0
    create(store, 4, limits, owner="bob")
    create(store, 5, limits, owner=None)
    finish_all(store, first.spec.id)
    create(store, 4, limits)


def test_simultaneous_submissions_cannot_both_pass(store: Store, redis: redis_driver.Redis) -> None:
    limits = Limits(open_items=25, open_items_per_name=100)

    def accepted(_: int) -> bool:
        try:
            create(store, 10, limits)
        except QueueFull:
            return False
        return True

    with ThreadPoolExecutor(8) as clients:
        assert sum(clients.map(accepted, range(8))) == 2
    assert open_items(redis)[b""] == b"20"


def test_above_80_percent_of_the_memory_only_results_are_written(store: Store, redis: redis_driver.Redis) -> None:
    job = submit(store, 3)
    with memory_limit(redis, 0.9):
        with pytest.raises(StoreFull, match="kept for the results"):
            submit(store, 1)
        with pytest.raises(StoreFull):
            store.check_memory()
        assert redis.zcard(keys.UNFINISHED) == 1
        assert redis.keys(f"{keys.PREFIX}staged:*") == []
        assert len(finish_all(store, job.spec.id)) == 3
    found = store.jobs.get(job.spec.id)
    assert found is not None
    assert (found.status, found.counts.scored) == ("completed", 3)
    store.check_memory()


def test_results_of_what_is_open_have_room_reserved(store: Store, redis: redis_driver.Redis) -> None:
    with memory_limit(redis, 0.6) as used:
        room = int(used / 0.6) - used
        fitting = room // result_bytes(new_job(), [])
        with pytest.raises(StoreFull):
            submit(store, 3 * fitting // 2)
        submit(store, fitting // 2)
        with pytest.raises(StoreFull):
            submit(store, 3 * fitting // 4)


def test_sums_that_somebody_broke_are_mended_when_no_job_is_left(store: Store, redis: redis_driver.Redis) -> None:
    job = create(store, 1, NO_LIMITS)
    redis.hset(keys.OPEN_ITEMS, mapping={"": 1_000_000, "alice": 1_000_000})
    limits = Limits(open_items=10, open_items_per_name=10)
    with pytest.raises(QueueFull):
        create(store, 1, limits)

    store.jobs.cancel(job.spec.id)

    create(store, 1, limits)
    assert open_items(redis) == {b"": b"1", b"alice": b"1"}


def test_whatever_is_done_the_booked_sums_are_those_of_the_jobs(store: Store, redis: redis_driver.Redis) -> None:
    choose = random.Random(7)
    jobs: list[Job] = []
    for _ in range(400):
        if not jobs or choose.random() < 0.1:
            jobs.append(
                create(store, 4, NO_LIMITS, owner=choose.choice(["alice", "bob", None]), known=choose.randrange(5))
            )
        job_id = choose.choice(jobs).spec.id
        match choose.randrange(9):
            case 0 | 1 | 2:
                store.jobs.claim(job_id, choose.choice("xy"), choose.randrange(1, 4), expiries=2)
            case 3 | 4 | 5:
                store.jobs.record(job_id, "x", choose.randrange(4), scored(), {})
            case 6:
                store.jobs.release(job_id, choose.choice("xy"), [*range(4)])
            case 7:
                expire_leases(redis, job_id)
            case 8 if choose.random() < 0.3:
                choose.choice([store.jobs.cancel, store.jobs.delete])(job_id)
        assert open_items(redis) == derived(redis, jobs)
    assert open_items(redis)


def derived(redis: redis_driver.Redis, jobs: list[Job]) -> dict[str | bytes, str | bytes]:
    """What the jobs' own keys say."""
    sums: Counter[bytes] = Counter()
    for job in jobs:
        names = JobKeys.of(job.spec.id)
        for name in {"", job.spec.owner or ""}:
            sums[name.encode()] += redis.zcard(names.open) + redis.zcard(names.leases)
    return {name: str(count).encode() for name, count in sums.items() if count}
