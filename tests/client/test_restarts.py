"""The client survives what happens to the service: a killed API in mid-job, and a Redis that forgot the job."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis as redis_driver
from croze_client import Client, ItemResult, JobUnknown, Patience

from tests.client.blocking import Blocking
from tests.client.conftest import AnyClient, working
from tests.workers import quick_engine
from tests.workers.odd_worker import odd_worker
from workers.store import Store

pytestmark = pytest.mark.timeout(300)

#: Ten seconds of work, more if the machine is busy.
SLOW_ITEMS = 10
PATIENCE = Patience(first=120, away=120)


@contextmanager
def api(listening: socket.socket, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The API in a process of its own, killed at the end."""
    descriptor = str(listening.fileno())
    command = [sys.executable, "-P", "-m", "uvicorn", "app.main:create_app", "--factory", "--fd", descriptor]
    environment = {**os.environ, "CROZE_REDIS_URL": redis_url, "CROZE_LOG_LEVEL": "WARNING"}
    with subprocess.Popen(
        [*command, "--log-level", "warning"], env=environment, pass_fds=[listening.fileno()]
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("kind", [Client, Blocking])
def test_an_api_that_is_killed_in_mid_job_costs_nothing_but_time(
    kind: type[AnyClient], redis: redis_driver.Redis, redis_url: str
) -> None:
    results: list[ItemResult] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        odd_worker(redis_url),
        kind(f"http://127.0.0.1:{listening.getsockname()[1]}", space="nasbench201", patience=PATIENCE) as client,
    ):
        with api(listening, redis_url):
            stream = client.score_iter(
                [f"index:{number}" for number in range(SLOW_ITEMS)], seed=quick_engine.SLOW, key="mine"
            )
            results += [next(stream), next(stream)]
        # Killed. The client finds the stream broken, and nobody answers until there is another API.
        with api(listening, redis_url):
            results += stream
            assert sorted(result.index for result in results) == [*range(SLOW_ITEMS)]
            assert all(result.ok for result in results)
            # Another program, or the same after a restart of its own, goes on with the same job.
            again = client.score(
                [f"index:{number}" for number in range(SLOW_ITEMS)], seed=quick_engine.SLOW, key="mine"
            )
    assert again == sorted(results, key=lambda result: result.index)


@pytest.mark.parametrize("how", ["wait", "stream"])
def test_a_job_that_redis_forgot_is_made_again(
    how: str, client: AnyClient, redis: redis_driver.Redis, store: Store
) -> None:
    job = client.submit([1, 2, 3])
    redis.flushall()  # as a replica that was promoted before it had heard of it
    with working(store):
        if how == "wait":
            assert client.wait(job, timeout=60).counts.scored == 3
        else:
            assert sorted(result.score for result in client.stream(job)) == [1.5, 2.5, 3.5]
    redis.flushall()
    with pytest.raises(JobUnknown):
        client.wait(job.id)


def test_a_job_that_redis_forgot_half_way_gives_every_item_once(
    client: AnyClient, redis: redis_driver.Redis, store: Store
) -> None:
    results = client.score_iter(["nonsense", 1, 2, 3])
    first = next(results)
    redis.flushall()
    with working(store):
        rest = list(results)
    assert [first.index, *sorted(result.index for result in rest)] == [0, 1, 2, 3]
