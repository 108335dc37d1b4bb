"""Real worker processes on a real server, and jobs that take them some seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from proxy.data import load_batch
from tests.workers.jobs import NASBENCH201, new_items, new_job
from tests.workers.processes import wait_until
from workers.records import Job, WorkerRecord
from workers.settings import connect
from workers.store import Store

CIFAR = load_batch("cifar10:train[0:8]")
SETTINGS = NASBENCH201.complete_settings({"channels": 8, "cells": 1}, CIFAR.classes)
#: Items of a job: some 0.1 s each on an idle machine.
ITEMS = 20
#: Far more than any of it takes, for machines that are busy with other tests.
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Fleet:
    """Worker processes and the store that they share with the test."""

    store: Store
    processes: list[subprocess.Popen[bytes]]

    def submit(self, seed: int) -> str:
        """A job that nobody has scored before, if no one has used that seed. Returns its id."""
        self.store.batches.put(CIFAR, listed=False)
        job = new_job(batch=CIFAR.digest, batch_name=CIFAR.name, settings=SETTINGS, seed=seed)
        return self.store.jobs.create(job, new_items(ITEMS), {}).spec.id

    def get(self, job_id: str) -> Job:
        job = self.store.jobs.get(job_id)
        assert job is not None
        return job

    def wait_for_scores(self, job_id: str, count: int) -> None:
        """Until that many items are scored."""
        assert wait_until(lambda: self.get(job_id).counts.scored >= count, PATIENCE_S), self.get(job_id).counts

    def wait_for_end(self, job_id: str) -> dict[int, float]:
        """Until the job has ended, all scored. Its scores by index."""
        assert wait_until(lambda: self.get(job_id).finished_at is not None, PATIENCE_S), self.get(job_id).counts
        assert self.get(job_id).status == "completed"
        ended = self.store.jobs.finished(job_id, 0, 2 * ITEMS)
        assert sorted(item.spec.index for item in ended) == [*range(ITEMS)]
        assert [item.outcome.error for item in ended if item.outcome and item.outcome.error] == []
        return {item.spec.index: float(str(item.outcome.scores["croze"]["value"])) for item in ended if item.outcome}

    def worker(self, number: int) -> WorkerRecord:
        """What one of the processes says of itself, once its engine is ready."""
        found: list[WorkerRecord] = []

        def is_ready() -> bool:
            # Kept as it is now: a moment later its engine may have died.
            found[:] = self._find(number)
            return bool(found)

        assert wait_until(is_ready, PATIENCE_S)
        return found[0]

    def busy_with(self, job_id: str) -> list[WorkerRecord]:
        """Those that say they work on that job."""
        return [each for each in self.store.fleet.workers() if each.job == job_id]

    def _find(self, number: int) -> list[WorkerRecord]:
        pid = self.processes[number].pid
        return [each for each in self.store.fleet.workers() if each.pid == pid and each.engine_pid is not None]


@contextmanager
def workers(url: str, count: int) -> Iterator[Fleet]:
    """That many workers, killed at the end."""
    processes = [start_worker(url) for _ in range(count)]
    try:
        yield Fleet(Store(connect(url)), processes)
    finally:
        for process in processes:
            process.kill()
            process.wait(10)


def start_worker(url: str, log: int | None = None) -> subprocess.Popen[bytes]:
    """A worker process. Its engine ends with it. `log`: subprocess.PIPE to read it."""
    environment = {**os.environ, "CROZE_REDIS_URL": url}
    return subprocess.Popen([sys.executable, "-P", "-m", "workers.main"], env=environment, stderr=log)


@contextmanager
def lonely_worker(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that waits for a server which is not there, and says so."""
    with start_worker(url, subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            assert any(b"waiting for Redis" in line for line in process.stderr)
            yield process
        finally:
            process.kill()


def end_softly(process: subprocess.Popen[bytes], seconds: float) -> int:
    """SIGTERM, and the exit code."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    return process.wait(seconds)
