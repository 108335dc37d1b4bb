"""One item that kills whoever touches it: it fails alone, with a code that says why; all others are scored."""

from __future__ import annotations

import subprocess

import pytest
import redis as redis_driver

from tests.workers import quick_engine
from tests.workers.jobs import BATCH, cell, submit
from tests.workers.odd_worker import odd_worker
from tests.workers.processes import wait_until
from tests.workers.test_targeted_kills import PATIENCE_S, get, values, wait_for_end
from tests.workers.traces import leaks
from workers.keys import JobKeys
from workers.records import Job
from workers.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ITEMS = 8
POISONED = 2


@pytest.fixture(autouse=True)
def _batch(store: Store) -> None:
    store.batches.put(BATCH, listed=False)


def check_that_one_has_failed(store: Store, job: Job, code: str) -> None:
    assert (job.counts.scored, job.counts.failed) == (ITEMS - 1, 1)
    items = store.jobs.items(job.spec.id, 0, ITEMS)
    outcome = items[POISONED].outcome
    assert outcome is not None
    assert outcome.error is not None
    assert outcome.error["code"] == code
    del items[POISONED]
    expected = [quick_engine.value_of(job.spec.task(cell(index))) for index in range(ITEMS) if index != POISONED]
    assert values(items) == expected


def test_an_item_that_kills_engines(store: Store, redis: redis_driver.Redis, redis_url: str) -> None:
    job_id = submit(store, ITEMS, seed=quick_engine.DEADLY).spec.id
    with odd_worker(redis_url) as worker:
        check_that_one_has_failed(store, wait_for_end(store, job_id), "engine_crashed")
        assert worker.poll() is None
    assert store.figures().engine_deaths == 5
    assert leaks(redis) == []


def test_an_item_that_kills_workers(
    store: Store, redis: redis_driver.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROZE_LEASE_EXPIRIES", "3")
    job_id = submit(store, ITEMS, seed=quick_engine.ASSASSIN).spec.id

    def is_over(worker: subprocess.Popen[bytes]) -> bool:
        return worker.poll() is not None or get(store, job_id).finished_at is not None

    deaths = 0
    while get(store, job_id).finished_at is None:
        with odd_worker(redis_url) as worker:
            assert wait_until(lambda worker=worker: is_over(worker), PATIENCE_S)  # type: ignore[misc]
            deaths += worker.poll() is not None
        suspicions = [int(count) for count in redis.hvals(JobKeys.of(job_id).expiries)]
        assert all(count <= 3 for count in suspicions)
    check_that_one_has_failed(store, get(store, job_id), "lease_expired")
    assert 1 <= deaths <= 3
    assert leaks(redis) == []
