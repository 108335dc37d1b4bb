"""A real worker and an urgent job: it waits for the chunk in hand, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workers.fleet import CIFAR, ITEMS, SETTINGS, workers
from tests.workers.jobs import new_items, new_job
from workers.embedded_redis import EmbeddedRedis

pytestmark = pytest.mark.slow


def test_an_urgent_job_overtakes_all_that_wait(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, workers(server.url, 1) as fleet:
        store = fleet.store
        normal = [fleet.submit(seed=seed) for seed in range(4)]
        fleet.wait_for_scores(normal[0], 2)
        spec = new_job(batch=CIFAR.digest, batch_name=CIFAR.name, settings=SETTINGS, seed=9, priority="urgent")
        urgent = store.jobs.create(spec, new_items(ITEMS), {})
        fleet.wait_for_end(urgent.spec.id)
        ended = fleet.get(urgent.spec.id)
        for job_id in normal:
            fleet.wait_for_end(job_id)

        assert ended.started_at is not None
        assert ended.finished_at is not None
        others = {
            job_id: [item.finished_at or 0.0 for item in store.jobs.finished(job_id, 0, 2 * ITEMS)] for job_id in normal
        }
        during = [time for times in others.values() for time in times if ended.started_at < time < ended.finished_at]
        assert during == [], "nothing else is done while an urgent job waits"
        waited_for = [
            job_id
            for job_id, times in others.items()
            if any(ended.created_at < time < ended.started_at for time in times)
        ]
        assert len(waited_for) <= 1, "it waits for the chunk in hand"
        assert sum(time > ended.finished_at for times in others.values() for time in times) >= ITEMS
