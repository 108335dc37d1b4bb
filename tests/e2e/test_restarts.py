"""Redis away, and a rolling restart: clients that do what the manual says notice nothing but a pause."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.app.cli.processes import Up, croze_up
from tests.chaos.client import PATIENCE_S, Client, Wanted, new_job
from tests.workers.processes import wait_until
from workers import keys
from workers.embedded_redis import EmbeddedRedis
from workers.engine_pool import EnginePool

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ITEMS = 12


@contextmanager
def gone(server: EmbeddedRedis) -> Iterator[None]:
    """There is no server."""
    server.stop()
    yield
    server.start()


@contextmanager
def hanging(server: EmbeddedRedis) -> Iterator[None]:
    """There is one, and it does not answer."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def check_scored(client: Client, jobs: list[Wanted]) -> None:
    """Every item is scored, with the score of an undisturbed run."""
    with EnginePool(1) as pool:
        for job in jobs:
            assert wait_until(partial(client.ended, job), PATIENCE_S)
            items = client.items(job)
            assert [item["status"] for item in items] == ["scored"] * ITEMS
            assert [item["scores"]["croze"]["value"] for item in items] == job.undisturbed(pool)


@pytest.mark.parametrize("away", [gone, hanging])
def test_redis_away_for_longer_than_a_lease_costs_nothing_but_time(
    tmp_path: Path, away: Callable[[EmbeddedRedis], AbstractContextManager[None]]
) -> None:
    chance = random.Random(3)
    jobs = [new_job(chance, ITEMS, seed) for seed in range(2)]
    with EmbeddedRedis(tmp_path / "redis") as server, croze_up(tmp_path / "up", redis_url=server.url) as up:
        client = Client(up.url)
        client.submit(jobs[0])
        with away(server):
            began = time.monotonic()
            assert wait_until(lambda: status_of(up, "/readyz") == (503, "store_unavailable", True), PATIENCE_S)
            assert status_of(up, f"/v1/jobs/{jobs[0].id}") == (503, "store_unavailable", True)
            assert status_of(up, "/livez") == (200, None, False)
            time.sleep(max(0.0, began + keys.LEASE_S + 2.0 - time.monotonic()))
        client.submit(jobs[1])
        check_scored(client, jobs)
        assert client.mistakes == []


def status_of(up: Up, path: str) -> tuple[int, str | None, bool]:
    """(status, code of the problem, whether it says when to ask again)."""
    answer = httpx.get(up.url + path, timeout=30.0, trust_env=False)
    return answer.status_code, answer.json().get("code"), "Retry-After" in answer.headers


def test_a_rolling_restart_under_load_answers_everything(tmp_path: Path) -> None:
    chance = random.Random(4)
    jobs: list[Wanted] = []
    with croze_up(tmp_path, workers=2) as up:
        client = Client(up.url)
        for command in ("workers.main", "uvicorn"):
            for pid in sorted(up.children(command)):
                jobs.append(new_job(chance, ITEMS, len(jobs)))
                client.submit(jobs[-1])
                os.kill(pid, signal.SIGTERM)
                while pid in up.children(command):
                    client.ended(jobs[-1])
        check_scored(client, jobs)
    assert [status for status in client.answers if status >= 500] == []
