"""How soon a worker that starts has its first score recorded, with a job and its batch already in Redis.

    python -m benchmarks.first_score

Its own log says where the time goes; `engine alone` is what starting an engine and scoring the same cell takes
without Redis or a worker.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from benchmarks.cells import Network, add_options, default_batch, random_rounds
from benchmarks.report import Row, report
from proxy.data.spec import Batch
from proxy.spaces import get_space
from proxy.task import ScoringTask
from workers.embedded_redis import EmbeddedRedis
from workers.engine import Engine
from workers.records import ItemSpec, JobSpec
from workers.settings import connect
from workers.store import Store

_PATIENCE_S = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description="From the start of a worker to its first score.")
    add_options(parser, architectures=5)
    options = parser.parse_args()
    network, batch = Network.of(options), default_batch()
    tasks = network.tasks([number for turn in random_rounds(options.architectures, 1) for number in turn], 0, batch)
    alone, worker = [], []
    with tempfile.TemporaryDirectory(prefix="croze-bench-") as folder, EmbeddedRedis(Path(folder)) as server:
        store = Store(connect(server.url))
        store.batches.put(batch)
        for task in tasks:
            alone.append(engine_alone(task, batch))
            worker.append(with_worker(store, server.url, task, batch))
    middle, best = statistics.median(worker), statistics.median(alone)
    rows = [Row("engine alone", best, ratio=1.0), Row("worker", middle, ratio=middle / best)]
    settings = {"starts": len(tasks), **network.settings, "precision": network.precision}
    report("first_score", settings, rows, as_json=options.json)


def engine_alone(task: ScoringTask, batch: Batch) -> float:
    started = time.perf_counter()
    with Engine() as engine:
        engine.start()
        engine.load_batch(batch)
        engine.score(task)
        return time.perf_counter() - started


def with_worker(store: Store, url: str, task: ScoringTask, batch: Batch) -> float:
    job = submit(store, task, batch)
    started = time.perf_counter()
    command = [sys.executable, "-P", "-m", "workers.main"]
    with subprocess.Popen(command, env={**os.environ, "CROZE_REDIS_URL": url}) as process:
        try:
            while not scored(store, job):
                assert time.perf_counter() - started < _PATIENCE_S, "no score"
                time.sleep(0.005)
            return time.perf_counter() - started
        finally:
            process.terminate()


def scored(store: Store, job_id: str) -> bool:
    job = store.jobs.get(job_id)
    return job is not None and job.counts.scored > 0


def submit(store: Store, task: ScoringTask, batch: Batch) -> str:
    spec = JobSpec(
        id=uuid4().hex,
        space=task.space,
        settings=task.settings,
        proxies=task.proxies,
        seed=task.seed,
        batch=batch.digest,
        batch_name=batch.name,
        precision=task.precision,
    )
    architecture = get_space(task.space).parse(task.architecture).architecture
    facts = get_space(task.space).facts(architecture)
    item = ItemSpec(index=0, architecture=task.architecture, format="nb201_str", params=0, macs=0, facts=facts)
    return store.jobs.create(spec, [item], {}).spec.id


if __name__ == "__main__":
    main()
