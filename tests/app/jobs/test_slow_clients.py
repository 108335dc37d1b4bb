"""Fifty clients that ask for all of a large job and do not read: the API holds a little for each, not the job."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.workers.jobs import new_items, new_job, scored
from tests.workers.processes import wait_until
from workers.process_memory import resident_bytes
from workers.records import ItemSpec
from workers.store import Store

CLIENTS = 50
ITEMS = 20_000
#: Bytes: twice what was measured. All of the job would be 25 MB for each client.
ALLOWED_GROWTH = CLIENTS * 2_000_000

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc to measure memory")


@pytest.fixture
def process(redis_url: str) -> Iterator[tuple[int, int]]:
    """(process id, port) of an API of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    command = [sys.executable, "-m", "uvicorn", "app.main:create_app", "--factory", "--fd", str(listener.fileno())]
    environment = {**os.environ, "CROZE_REDIS_URL": redis_url}
    with (
        listener,
        subprocess.Popen(
            [*command, "--log-level", "warning"], env=environment, pass_fds=[listener.fileno()]
        ) as process,
    ):
        try:
            yield process.pid, listener.getsockname()[1]
        finally:
            process.kill()


@pytest.fixture
def job_id(store: Store) -> str:
    """A large job that has ended."""
    spec = new_job()
    store.jobs.create(spec, many_items(), dict.fromkeys(range(ITEMS), scored()))
    return spec.id


@pytest.mark.slow
@pytest.mark.parametrize("what", ["scores?format=ndjson", "events"])
def test_memory_is_bounded(process: tuple[int, int], job_id: str, what: str) -> None:
    pid, port = process
    path = f"/v1/jobs/{job_id}/{what}"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client, ExitStack() as stack:
        warm = client.get(path)
        assert warm.text.count('"index": ') == ITEMS
        before = resident_bytes(pid) or 0
        for _ in range(CLIENTS):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            # It has begun to answer, and then nobody reads.
            assert slow.recv(12) == b"HTTP/1.1 200"
        time.sleep(2)
        sizes = [resident_bytes(pid) or 0]
        assert wait_until(lambda: is_steady(pid, sizes), 60), sizes
        growth = sizes[-1] - before
        assert growth < ALLOWED_GROWTH
        assert client.get("/livez").status_code == 200


def is_steady(pid: int, sizes: list[int]) -> bool:
    """Whether the process has stopped growing, by two looks that are half a second apart."""
    time.sleep(0.5)
    sizes.append(resident_bytes(pid) or 0)
    return sizes[-1] - sizes[-2] < 2**18


def many_items() -> list[ItemSpec]:
    return [replace(item, index=index) for index, item in enumerate(new_items(200) * (ITEMS // 200))]
