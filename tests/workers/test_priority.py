"""A real worker and an urgent job that came last: it is done first, chunk after chunk, however much waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.workers.fleet import CIFAR, ITEMS, SETTINGS, Fleet, start_worker, workers
from tests.workers.jobs import NASBENCH201, new_items, new_job
from workers.embedded_redis import EmbeddedRedis
from workers.records import ItemSpec
from workers.settings import connect
from workers.store import Store

pytestmark = pytest.mark.slow

#: And what a busy machine adds to them.
TWO_SECONDS = 2.5


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


def test_it_is_taken_up_within_about_two_seconds_though_all_of_a_benchmark_is_in_work(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server, workers(server.url, 1) as fleet:
        store = fleet.store
        fleet.worker(0)
        store.batches.put(CIFAR, listed=False)
        spec = new_job(batch=CIFAR.digest, batch_name=CIFAR.name, settings=SETTINGS)
        store.jobs.create(spec, all_cells(), {})
        fleet.wait_for_scores(spec.id, 5)
        waits = []
        for seed in range(1, 4):
            ours = replace(spec, id=f"{seed:032x}", seed=seed, priority="urgent")
            store.jobs.create(ours, new_items(2), {})
            fleet.wait_for_scores(ours.id, 2)
            urgent = fleet.get(ours.id)
            assert urgent.started_at is not None
            waits.append(urgent.started_at - urgent.created_at)
            # Meanwhile the large job goes on.
            fleet.wait_for_scores(spec.id, fleet.get(spec.id).counts.scored + 1)
        large = fleet.get(spec.id)
    # A chunk is a second, or two of them if it was guessed badly; here others may want the same processor.
    assert min(waits) < TWO_SECONDS, waits
    assert large.counts.total == 15_625
    assert large.counts.scored < large.counts.total


def all_cells() -> list[ItemSpec]:
    """All of NAS-Bench-201, each as its index."""
    (like,) = new_items(1)
    return [
        replace(like, index=index, architecture=NASBENCH201.parse(index, "nats_tss_index").architecture.canonical)
        for index in range(15_625)
    ]
