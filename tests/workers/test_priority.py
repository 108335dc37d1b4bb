"""A real worker and an urgent job that came last: it is done first, chunk after chunk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workers.fleet import CIFAR, ITEMS, SETTINGS, Fleet, start_worker
from tests.workers.jobs import new_items, new_job
from workers.embedded_redis import EmbeddedRedis
from workers.settings import connect
from workers.store import Store

pytestmark = pytest.mark.slow


def test_an_urgent_job_overtakes_all_that_wait(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        store = Store(connect(server.url))
        fleet = Fleet(store, [])
        normal = [fleet.submit(seed=seed) for seed in range(3)]
        spec = new_job(batch=CIFAR.digest, batch_name=CIFAR.name, settings=SETTINGS, seed=9, priority="urgent")
        urgent = store.jobs.create(spec, new_items(ITEMS), {}).spec.id
        # Only now, and only one: so the order of work is the order of rings, however fast the machine is.
        process = start_worker(server.url)
        try:
            for job_id in (urgent, *normal):
                fleet.wait_for_end(job_id)
        finally:
            process.kill()
            process.wait(10)
        chunks = {item.started_at for item in store.jobs.items(urgent, 0, ITEMS)}
        assert len(chunks) > 1, "it was rung again in between"
        last = fleet.get(urgent).finished_at
        assert last is not None
        assert all((fleet.get(job_id).started_at or 0.0) > last for job_id in normal)
