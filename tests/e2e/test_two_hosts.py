"""A worker on another host: it has a URL of Redis and nothing else, and the cable is pulled out while it works."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import numpy as np
import pytest

from app.settings import Settings
from proxy.data.npz import read_npz
from tests.app.conftest import served
from tests.e2e.two_hosts import ADDRESS, Hosts, two_hosts, why_not
from tests.workers.guarded_redis import API, WORKER, Guarded, guarded_redis, password
from tests.workers.processes import wait_until
from workers.engine_pool import EnginePool
from workers.records import Item, Job
from workers.settings import connect
from workers.store import Store

pytestmark = pytest.mark.slow

PORT: Final = 6379
#: Far more than any of it takes.
PATIENCE_S: Final = 120.0
ITEMS: Final = 24


def batch_file() -> bytes:
    """An upload that no other host can have, or make."""
    chance = np.random.default_rng()
    buffer = io.BytesIO()
    images = chance.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    np.savez(buffer, images=images, labels=np.arange(8) % 4)
    return buffer.getvalue()


@dataclass
class Service:
    """Redis and the API on one host, and what a client sees of them."""

    hosts: Hosts
    guarded: Guarded
    api: httpx.Client
    file: bytes = field(default_factory=batch_file)
    jobs: list[str] = field(default_factory=list)
    """Ids of those submitted so far."""
    checked: int = 0
    """How many of them are known to be right."""

    def __post_init__(self) -> None:
        self.store = Store(connect(self.guarded.url(API)))
        binary = {"Content-Type": "application/octet-stream"}
        uploaded = self.api.post("/v1/batches", params={"name": "mine"}, content=self.file, headers=binary)
        self.digest = uploaded.json()["digest"]

    def submit(self) -> str:
        """A job of cheap cells that nobody has scored; its id."""
        body = {
            "space": "nasbench201",
            "settings": {"channels": 4, "cells": 1},
            "architectures": list(range(ITEMS)),
            "format": "nats_tss_index",
            "batch": self.digest,
            "seed": len(self.jobs),
            # Then each is computed: some cells have one network, and would share its score.
            "layers": True,
        }
        answer = self.api.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        self.jobs.append(answer.json()["id"])
        return self.jobs[-1]

    def get(self, job_id: str) -> Job:
        job = self.store.jobs.get(job_id)
        assert job is not None
        return job

    @contextmanager
    def cut_in_mid_job(self) -> Iterator[str]:
        """The cable is out, and that job is under way. Should it be done before (a busy machine), another one is."""
        for _ in range(5):
            job_id = self.submit()
            assert wait_until(lambda: self.get(job_id).counts.scored >= 2, PATIENCE_S), self.get(job_id).counts  # noqa: B023
            with self.hosts.cut():
                if self.get(job_id).counts.scored < ITEMS:
                    yield job_id
                    return
        raise AssertionError("every job was over before the cable was out")

    def ended(self, job_id: str) -> list[Item]:
        """All items in the order in which they ended, once the job has."""
        assert wait_until(lambda: self.get(job_id).status == "completed", PATIENCE_S), self.get(job_id).counts
        return self.store.jobs.finished(job_id, 0, 2 * ITEMS)

    def check_scored_as_undisturbed(self, pool: EnginePool) -> None:
        """Every item of every job has ended once, with the score that an engine gives when nothing happens to it."""
        for job_id in self.jobs[self.checked :]:
            items = sorted(self.ended(job_id), key=lambda item: item.spec.index)
            assert [item.spec.index for item in items] == [*range(ITEMS)]
            tasks = [self.get(job_id).spec.task(item.spec.architecture) for item in items]
            undisturbed = dict(pool.score(tasks, read_npz(self.file, name="mine")))
            for position, item in enumerate(items):
                expected = undisturbed[position]
                assert isinstance(expected, list)
                assert item.outcome is not None
                assert item.outcome.scores["croze"]["value"] == expected[0].value
        self.checked = len(self.jobs)
        assert self.store.figures().items["scored", ""] == ITEMS * len(self.jobs)


@contextmanager
def worker(service: Service, folder: Path, url: str, within: Sequence[str] = ()) -> Iterator[int]:
    """A worker in a folder of its own, once it is ready for work; its process id. It is killed at the end."""
    folder.mkdir()
    environment = {**os.environ, "HOME": str(folder), "CROZE_REDIS_URL": url}
    command = [*within, sys.executable, "-P", "-m", "workers.main"]
    with subprocess.Popen(command, env=environment, cwd=folder) as process:
        try:
            assert wait_until(lambda: is_ready(service, process.pid), PATIENCE_S)
            yield process.pid
        finally:
            process.kill()
            process.wait(10)


def is_ready(service: Service, pid: int) -> bool:
    return any(seen.pid == pid and seen.environment is not None for seen in service.store.fleet.workers())


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with (
        two_hosts() as hosts,
        guarded_redis("--bind", ADDRESS, "--port", str(PORT), within=hosts.within(hosts.near)) as guarded,
        served(Settings(redis_url=guarded.url(API))) as url,
        httpx.Client(base_url=url, timeout=60) as api,
    ):
        yield Service(hosts, guarded, api)


@pytest.fixture(scope="module")
def pool() -> Iterator[EnginePool]:
    with EnginePool(1) as engines:
        yield engines


@dataclass(frozen=True)
class Far:
    """The worker on the other host, which has a URL, a password and an empty folder."""

    pid: int
    folder: Path


@pytest.fixture(scope="module")
def far(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    folder = tmp_path_factory.mktemp("hosts") / "far"
    url = f"redis://{WORKER}:{password(WORKER)}@{ADDRESS}:{PORT}/0"
    with worker(service, folder, url, service.hosts.within(service.hosts.far)) as pid:
        yield Far(pid, folder)


def test_a_link_that_is_cut_for_a_moment_costs_nothing_but_time(service: Service, far: Far, pool: EnginePool) -> None:
    with service.cut_in_mid_job() as job_id:
        time.sleep(3)  # well below a lease
        assert service.get(job_id).counts.scored < ITEMS, "nothing comes through"
    service.check_scored_as_undisturbed(pool)
    assert is_ready(service, far.pid)
    assert list(far.folder.rglob("*")) == [], "the batch came through Redis, and was left nowhere"


def test_a_worker_cut_off_for_longer_than_a_lease_is_replaced_and_comes_back(
    service: Service, far: Far, pool: EnginePool, tmp_path: Path
) -> None:
    with (
        service.cut_in_mid_job() as job_id,
        worker(service, tmp_path / "near", service.guarded.url(WORKER)) as near,
    ):
        service.ended(job_id)
        assert wait_until(lambda: [each.pid for each in service.store.fleet.workers()] == [near], PATIENCE_S)
    # By itself: it reaches Redis again, gives up what others have done meanwhile, and works on.
    assert wait_until(lambda: is_ready(service, far.pid), PATIENCE_S)
    service.ended(service.submit())
    assert service.store.figures().lease_expiries > 0
    service.check_scored_as_undisturbed(pool)
