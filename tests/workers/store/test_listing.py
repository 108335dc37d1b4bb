"""Jobs in a list, newest first; and all that is still to be done."""

from __future__ import annotations

import time

import pytest
import redis as redis_driver

from tests.workers.jobs import finish_all, new_items, new_job, scored, submit
from workers import keys
from workers.records import JobLoad
from workers.settings import StoreSettings
from workers.store import Store, listing


def ids(store: Store, owner: str | None, limit: int) -> list[list[str]]:
    """The ids of all jobs, page by page."""
    pages, mark = [], None
    while True:
        jobs, mark = store.jobs.newest(owner, mark, limit)
        pages.append([job.spec.id for job in jobs])
        if mark is None:
            return pages


def test_pages_hold_every_job_once_newest_first(store: Store) -> None:
    made = [submit(store, 1).spec.id for _ in range(5)][::-1]
    assert ids(store, None, 2) == [made[:2], made[2:4], made[4:]]
    assert ids(store, None, 5) == [made]
    assert ids(store, "nobody", 5) == [[]]


def test_new_and_deleted_jobs_do_not_shift_a_page(store: Store) -> None:
    first, second, third, fourth = (submit(store, 1).spec.id for _ in range(4))
    jobs, mark = store.jobs.newest(None, None, 2)
    assert [job.spec.id for job in jobs] == [fourth, third]
    submit(store, 1)
    store.jobs.delete(third)
    jobs, mark = store.jobs.newest(None, mark, 2)
    assert [job.spec.id for job in jobs] == [second, first]
    assert mark is None


def test_jobs_of_one_moment_are_told_apart(store: Store, redis: redis_driver.Redis) -> None:
    made = sorted((submit(store, 1).spec.id for _ in range(4)), reverse=True)
    moment = 1764000000.123456
    redis.zadd(keys.jobs(None), dict.fromkeys(made, moment))
    for job_id in made:
        redis.hset(keys.JobKeys.of(job_id).job, "created_at", f"{moment:.6f}")
    assert ids(store, None, 4) == [made]
    assert ids(store, None, 3) == [made[:3], made[3:]]


def test_pages_of_expired_jobs_are_passed_over(store: Store, redis: redis_driver.Redis) -> None:
    first, *others = (submit(store, 1).spec.id for _ in range(6))
    redis.delete(*(keys.JobKeys.of(job_id).job for job_id in others))
    assert ids(store, None, 2) == [[first]]
    assert redis.zcard(keys.jobs(None)) == 1


def test_an_owner_sees_its_own(store: Store) -> None:
    alices, bobs = submit(store, 1, owner="alice").spec.id, submit(store, 1, owner="bob").spec.id
    assert ids(store, "alice", 9) == [[alices]]
    assert ids(store, None, 9) == [[bobs, alices]]


def test_indexes_forget_expired_jobs_as_new_ones_come(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=0.001))
    for _ in range(4):
        finish_all(store, submit(store, 1, owner="alice").spec.id)
        time.sleep(0.01)
    assert redis.zcard(keys.jobs(None)) <= 2
    assert redis.zcard(keys.jobs("alice")) <= 2


def test_the_outlook_says_what_is_left(store: Store) -> None:
    assert store.jobs.outlook().jobs == ()
    assert store.jobs.outlook().cost is None
    first = store.jobs.create(new_job(priority="urgent"), new_items(4), {0: scored()}).spec.id
    second = submit(store, 2).spec.id
    finish_all(store, submit(store, 1).spec.id)
    store.jobs.claim(first, "w", 2)
    store.jobs.record(first, "w", 1, scored(), {})
    outlook = store.jobs.outlook()
    assert outlook.jobs == (
        JobLoad(id=first, priority="urgent", left=2, open=1, computed=1, seconds=0.25),
        JobLoad(id=second, priority="normal", left=2, open=2, computed=0, seconds=0.0),
    )
    assert outlook.cost == 0.25
    assert outlook.workers == 0


def test_there_is_no_outlook_on_too_many_jobs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_JOBS", 1)
    submit(store, 1)
    assert len(store.jobs.outlook().jobs) == 1
    submit(store, 1)
    assert store.jobs.outlook().jobs == ()
