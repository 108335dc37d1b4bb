"""A memory limit ends native code: the task that grows is told so, and the next one finds a fresh engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as redis_driver
from pydantic import ByteSize

from tests.workers import odd_engine_seeds as seeds
from tests.workers.jobs import BATCH, submit
from tests.workers.processes import is_alive
from tests.workers.scoring import ODD_ENGINE, small_batch, small_task
from workers.drain import Drain
from workers.engine import Engine
from workers.errors import EngineOutOfMemory, EngineStartFailed
from workers.process_memory import resident_bytes
from workers.settings import WorkerSettings
from workers.store import Store
from workers.workbench import Workbench

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is known from /proc alone")

MIB = 2**20
#: Above what an engine needs for itself, which is some 300 MiB.
LIMIT = 1000 * MIB


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(ODD_ENGINE, memory_limit=LIMIT) as engine:
        engine.start()
        engine.load_batch(small_batch())
        yield engine


def test_memory_is_known_of_processes_that_are() -> None:
    own = resident_bytes(os.getpid())
    assert own is not None
    assert 5 * MIB < own < 100_000 * MIB
    assert resident_bytes(2**22 + 1) is None


def test_native_code_that_takes_too_much_is_ended(engine: Engine) -> None:
    pid = engine.pid
    assert len(engine.score(small_task(small_batch()))) == 2
    with pytest.raises(EngineOutOfMemory, match=r"held \d+ MiB .* CROZE_ENGINE_MEMORY allows 1000 MiB") as caught:
        engine.score(small_task(small_batch(), seeds.GROWS))
    assert caught.value.code == "out_of_memory"
    assert not is_alive(pid)
    assert not engine.running
    engine.start()
    engine.load_batch(small_batch())
    assert len(engine.score(small_task(small_batch()))) == 2


def test_a_limit_that_no_engine_can_keep_is_said_at_the_start() -> None:
    with Engine(memory_limit=20 * MIB) as engine, pytest.raises(EngineStartFailed, match="CROZE_ENGINE_MEMORY allows"):
        engine.start()


def test_the_item_fails_alone(store: Store, redis: redis_driver.Redis, engine: Engine) -> None:
    engine.close()  # only what the keeper started has been tested by it
    store.batches.put(BATCH)
    bench = Workbench(store, engine, "me", Drain(60.0), WorkerSettings(engine_memory=ByteSize(LIMIT)))
    large, small = submit(store, 1, seed=seeds.GROWS).spec.id, submit(store, 1).spec.id
    for job_id in (large, small):
        bench.work_on(job_id)
    ended = [store.jobs.items(job_id, 0, 1)[0] for job_id in (large, small)]
    assert [item.status for item in ended] == ["failed", "scored"]
    assert ended[0].outcome is not None
    assert ended[0].outcome.error is not None
    assert ended[0].outcome.error["code"] == "out_of_memory"
    assert bench.keeper.restarts == 1
