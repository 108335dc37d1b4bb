"""Two real workers and jobs that need the same scores: each is computed once, whoever dies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.fleet import ITEMS, PATIENCE_S, Fleet, workers
from tests.workers.processes import kill, wait_until
from workers import keys
from workers.embedded_redis import EmbeddedRedis
from workers.settings import connect

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path) as server:
        yield server


@pytest.fixture
def fleet(server: EmbeddedRedis) -> Iterator[Fleet]:
    with workers(server.url, 2) as fleet:
        for number in (0, 1):
            fleet.worker(number)
        yield fleet


def computed(fleet: Fleet, *job_ids: str) -> int:
    """How many scores of these jobs did not come from the cache."""
    items = [item for job_id in job_ids for item in fleet.store.jobs.finished(job_id, 0, ITEMS)]
    return sum(not score["cached"] for item in items if item.outcome for score in item.outcome.scores.values())


def test_two_equal_jobs_compute_each_score_once(fleet: Fleet, server: EmbeddedRedis) -> None:
    jobs = [fleet.submit(seed=21) for _ in range(2)]
    first, second = map(fleet.wait_for_end, jobs)
    assert first == second
    assert computed(fleet, *jobs) == ITEMS
    assert connect(server.url).keys(f"{keys.PREFIX}reserved:*") == []


def test_what_a_killed_worker_had_reserved_is_computed_by_the_other(fleet: Fleet, server: EmbeddedRedis) -> None:
    redis, holders = connect(server.url), list[bytes]()
    pids = {record.id.encode(): record.pid for record in fleet.store.fleet.workers()}
    jobs = [fleet.submit(seed=22) for _ in range(2)]

    def reserved() -> bool:
        found = map(redis.get, redis.keys(f"{keys.PREFIX}reserved:*"))
        holders.extend(holder for holder in found if isinstance(holder, bytes))
        return bool(holders)

    assert wait_until(reserved, PATIENCE_S)
    kill(pids[holders[0]])
    first, second = map(fleet.wait_for_end, jobs)
    assert first == second
    assert computed(fleet, *jobs) == ITEMS


def test_canceling_one_of_two_equal_jobs_leaves_the_other_whole(fleet: Fleet) -> None:
    canceled, other = (fleet.submit(seed=23) for _ in range(2))
    fleet.wait_for_scores(canceled, 2)
    fleet.store.jobs.cancel(canceled)
    assert len(fleet.wait_for_end(other)) == ITEMS
    assert computed(fleet, canceled, other) == ITEMS
