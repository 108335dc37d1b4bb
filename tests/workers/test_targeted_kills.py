"""A worker that dies at one exact step: what it had in hand is scored by another, once, and nothing is left over."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence

import pytest
import redis as redis_driver

from proxy.task import address
from tests.workers import quick_engine
from tests.workers.jobs import BATCH, ENVIRONMENT, cell, submit
from tests.workers.odd_worker import odd_worker
from tests.workers.processes import python, wait_until
from tests.workers.scoring import ROOT
from tests.workers.traces import documented, leaks
from workers import keys
from workers.keys import JobKeys
from workers.records import Item, Job
from workers.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Submits a job, and dies at a step of it: python -c CODE url step job-id
SUBMITTER = """
import os, signal, sys
from tests.workers.jobs import new_items, new_job
from workers.enqueue import Doorbell
from workers.settings import connect
from workers.store import Store, submitting
from workers.store.jobs import Jobs

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

url, step, job_id = sys.argv[1:]
real = submitting.stage
if step == "staged":
    submitting.stage = lambda *arguments: (real(*arguments), die())
elif step == "ringing":
    Doorbell.ring = die
elif step == "accepted":
    Jobs.get = die
Store(connect(url)).jobs.create(new_job(id=job_id), new_items(6), {})
"""

ITEMS = 6
#: Far more than any of it takes, for machines that are busy with other tests.
PATIENCE_S = 120.0


@pytest.fixture(autouse=True)
def _batch(store: Store) -> None:
    store.batches.put(BATCH, listed=False)


def get(store: Store, job_id: str) -> Job:
    job = store.jobs.get(job_id)
    assert job is not None
    return job


def wait_for_death(process: subprocess.Popen[bytes]) -> None:
    assert process.wait(PATIENCE_S) == -signal.SIGKILL


def wait_for_end(store: Store, job_id: str) -> Job:
    assert wait_until(lambda: get(store, job_id).finished_at is not None, PATIENCE_S), get(store, job_id).counts
    return get(store, job_id)


def check_scored_once(store: Store, job: Job) -> None:
    """Every item has ended once, with its own score, which is remembered."""
    assert (job.status, job.counts.scored, job.counts.failed) == ("completed", ITEMS, 0)
    ended = store.jobs.finished(job.spec.id, 0, 2 * ITEMS)
    assert sorted(item.spec.index for item in ended) == [*range(ITEMS)]
    assert values(store.jobs.items(job.spec.id, 0, ITEMS)) == [
        quick_engine.value_of(job.spec.task(cell(index))) for index in range(ITEMS)
    ]
    addresses = [address(job.spec.task(cell(index)), "croze", ENVIRONMENT) for index in range(ITEMS)]
    assert None not in store.scores.known(addresses)


def values(items: Sequence[Item]) -> list[object]:
    return [item.outcome.scores["croze"]["value"] if item.outcome else None for item in items]


def test_the_table_of_keys_can_be_read() -> None:
    assert any(row.pattern.fullmatch(JobKeys.of("x").expiries) and row.lives == "until J ended" for row in documented())
    assert any(row.pattern.fullmatch(keys.UNFINISHED) and row.lives == "for ever" for row in documented())


def test_a_leak_would_be_seen(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 1).spec.id
    assert leaks(redis) == []
    store.jobs.cancel(job_id)
    redis.set("croze:1:odd", 1)
    redis.hset(JobKeys.of(job_id).holders, "0", "w")
    redis.persist(JobKeys.of(job_id).items)
    assert sorted(leak.partition(": ")[2] for leak in leaks(redis)) == [
        "has no end",
        "is not in the table of workers/keys.py",
        "its job has ended",
    ]


@pytest.mark.parametrize(
    ("step", "seed"),
    [
        ("popped", 0),
        ("claimed", 0),
        ("computing", quick_engine.SLOW),
        ("recording", 0),
        ("sending_the_record", 0),
        ("recorded", 0),
        ("reconciling", 0),
    ],
)
def test_what_was_in_hand_is_scored_by_another(
    store: Store, redis: redis_driver.Redis, redis_url: str, step: str, seed: int
) -> None:
    job_id = submit(store, ITEMS, seed=seed).spec.id
    if step == "reconciling":
        redis.delete(f"rq:queue:{keys.QUEUE}", *redis.keys("rq:job:*"))
    with odd_worker(redis_url, dies_at=step) as victim:
        wait_for_death(victim)
    assert get(store, job_id).finished_at is None
    with odd_worker(redis_url):
        check_scored_once(store, wait_for_end(store, job_id))
    assert leaks(redis) == []


def test_dying_while_handing_back(
    store: Store, redis: redis_driver.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROZE_CHUNK_SECONDS", "2")
    job_id = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
    with odd_worker(redis_url, dies_at="handing_back") as victim:
        # The second chunk has four items, of a second each: some are left when it is told to end.
        assert wait_until(lambda: get(store, job_id).counts.running == 4, PATIENCE_S)
        victim.terminate()
        wait_for_death(victim)
    assert get(store, job_id).counts.running == 0
    with odd_worker(redis_url):
        check_scored_once(store, wait_for_end(store, job_id))
    assert leaks(redis) == []


def test_dying_over_a_canceled_job_changes_nothing(store: Store, redis: redis_driver.Redis, redis_url: str) -> None:
    job_id = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
    with odd_worker(redis_url, dies_at="unwanted") as victim:
        assert wait_until(lambda: get(store, job_id).counts.running > 0, PATIENCE_S)
        store.jobs.cancel(job_id)
        wait_for_death(victim)
    canceled = get(store, job_id)
    with odd_worker(redis_url):
        other = submit(store, ITEMS)
        check_scored_once(store, wait_for_end(store, other.spec.id))
    assert get(store, job_id) == canceled
    assert canceled.counts.scored + canceled.counts.canceled == ITEMS
    assert leaks(redis) == []


def test_dying_over_a_deleted_job_resurrects_nothing(store: Store, redis: redis_driver.Redis, redis_url: str) -> None:
    job_id = submit(store, ITEMS, seed=quick_engine.SLOW).spec.id
    with odd_worker(redis_url, dies_at="unwanted") as victim:
        assert wait_until(lambda: get(store, job_id).counts.running > 0, PATIENCE_S)
        assert store.jobs.delete(job_id)
        wait_for_death(victim)
    with odd_worker(redis_url):
        check_scored_once(store, wait_for_end(store, submit(store, ITEMS).spec.id))
    assert store.jobs.get(job_id) is None
    assert redis.keys(f"{JobKeys.of(job_id).job}*") == []
    assert leaks(redis) == []


@pytest.mark.parametrize("step", ["staged", "ringing"])
def test_who_dies_before_the_job_is_accepted_leaves_nothing(
    redis: redis_driver.Redis, redis_url: str, step: str
) -> None:
    with python(SUBMITTER, redis_url, step, "a" * 32, environment={"PYTHONPATH": ROOT}) as submitter:
        assert submitter.wait(PATIENCE_S) == -signal.SIGKILL
    assert Store(redis).jobs.get("a" * 32) is None
    assert redis.llen(f"rq:queue:{keys.QUEUE}") == 0
    assert redis.exists(keys.UNFINISHED) == 0
    assert leaks(redis) == []


def test_who_dies_before_it_has_said_so_has_accepted_the_job(
    store: Store, redis: redis_driver.Redis, redis_url: str
) -> None:
    with python(SUBMITTER, redis_url, "accepted", "b" * 32, environment={"PYTHONPATH": ROOT}) as submitter:
        assert submitter.wait(PATIENCE_S) == -signal.SIGKILL
    with odd_worker(redis_url):
        check_scored_once(store, wait_for_end(store, "b" * 32))
    assert leaks(redis) == []
