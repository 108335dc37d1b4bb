"""Two jobs and one worker: whatever their items cost, both move on, turn by turn."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import pytest
import redis as redis_driver

from proxy.spaces.nasbench201.index import official_cells
from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import FakeEngine
from tests.workers.jobs import BATCH, new_items, new_job, score
from workers import workbench
from workers.drain import Drain
from workers.enqueue import Doorbell
from workers.settings import WorkerSettings
from workers.store import Store
from workers.workbench import Workbench

SLOW_S, FAST_S = 3.0, 0.04
#: What the engine says that an item took; nothing is really waited for.
SECONDS = {1: SLOW_S, 2: FAST_S}


@pytest.fixture
def engine() -> FakeEngine:
    def answer(task: ScoringTask) -> list[Score]:
        return [replace(score(), seconds=SECONDS[task.settings["cells"]])]

    return FakeEngine(answer)


@pytest.fixture
def bench(store: Store, engine: FakeEngine) -> Workbench:
    store.batches.put(BATCH)
    return Workbench(store, engine, "me", Drain(60.0), WorkerSettings())


def submit(store: Store, settings: dict[str, int]) -> str:
    """A job of 200 cells with a network, and so a score, of their own. Returns its id."""
    own = (cell.canonical for cell in official_cells() if cell.effective == cell)
    items = [replace(item, architecture=cell) for item, cell in zip(new_items(200), own, strict=False)]
    return store.jobs.create(new_job(settings=settings), items, {}).spec.id


def answer_rings(store: Store, bench: Workbench, doorbell: Doorbell, count: int) -> None:
    """Hear that many rings, in the order of the queue."""
    for _ in range(count):
        ring = doorbell.queue.pop_job_id()
        assert ring is not None, "no ring, though a job has open items"
        bench.work_on(ring.rpartition("-")[0])


def test_a_slow_job_does_not_starve_a_fast_one(
    store: Store, bench: Workbench, engine: FakeEngine, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine even these items take time, and no chunk should be cut short for that.
    monkeypatch.setattr(workbench, "_PATIENCE", 1e6)
    doorbell = Doorbell(redis)
    slow, fast = (submit(store, {"channels": 4, "cells": cells, "classes": 10}) for cells in (1, 2))
    rings = 10
    answer_rings(store, bench, doorbell, rings)
    turns = [(cells, len([*group])) for cells, group in groupby(task.settings["cells"] for task in engine.tasks)]
    assert [cells for cells, _ in turns] == [1, 2] * (rings // 2)
    assert {count for cells, count in turns if cells == 1} == {1}
    # The first turn is of one item: nothing was known of their cost.
    planned = WorkerSettings().chunk_seconds / FAST_S
    assert [count for cells, count in turns if cells == 2] == [1] + [round(planned)] * (rings // 2 - 1)
    for job_id in (slow, fast):
        job = store.jobs.get(job_id)
        assert job is not None
        assert job.counts.running == 0


def test_a_turn_is_short_enough_for_progress_each_second() -> None:
    assert WorkerSettings().chunk_seconds <= 1.0


def test_chunks_shrink_towards_the_end_if_there_are_other_workers(
    store: Store, bench: Workbench, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbench, "_PATIENCE", 1e6)
    bench.fleet_size = 2
    job_id = submit(store, {"channels": 4, "cells": 2, "classes": 10})
    sizes = []
    while len(engine.tasks) < 200:
        before = len(engine.tasks)
        bench.work_on(job_id)
        sizes.append(len(engine.tasks) - before)
    # 25 are a second's work, and no more than a quarter of what is open is taken.
    assert sizes == [1, 25, 25, 25, 25, 24, 18, 14, 10, 8, 6, 4, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1]
