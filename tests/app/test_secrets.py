"""Neither a Redis password nor a key is ever written down: real processes, and all that they print."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.settings import Settings
from tests.app.cli.processes import descendants
from tests.workers.processes import kill, wait_until
from workers.embedded_redis import find_server
from workers.settings import connect
from workers.store import Store

PASSWORD: Final = "hunter2%40x"  # noqa: S105
PLAIN: Final = "hunter2@x"
START_S: Final = 120.0


@contextmanager
def started(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process and what it starts, all ended afterwards."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env={**os.environ, **environment}
        )
    try:
        yield process
    finally:
        pids = [*descendants(process.pid)]
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in pids:
            kill(pid)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def server_port(tmp_path: Path) -> Iterator[int]:
    """A server on TCP that wants a password."""
    port = free_port()
    config = tmp_path / "redis.conf"
    config.write_text(f"port {port}\nbind 127.0.0.1\nrequirepass {PLAIN}\nsave ''\ndir {tmp_path}\n")
    with started([str(find_server()), str(config)], tmp_path / "redis.log"):
        with connect(f"redis://:{PASSWORD}@127.0.0.1:{port}/0") as client:
            assert wait_until(lambda: _answers(Store(client)), 20), (tmp_path / "redis.log").read_text()
        yield port


def _answers(store: Store) -> bool:
    try:
        store.check_writable()
    except Exception:
        time.sleep(0.05)
        return False
    return True


def check_nothing_told(text: str) -> None:
    for secret in (PASSWORD, PLAIN, "hunter2"):
        assert secret not in text, text


@pytest.mark.parametrize("right", [True, False], ids=["right password", "wrong password"])
def test_api_and_worker_say_nothing_of_the_password(tmp_path: Path, server_port: int, right: bool) -> None:
    password = PASSWORD if right else f"{PASSWORD}-is-wrong"
    url = f"redis://:{password}@127.0.0.1:{server_port}/0"
    api_log, worker_log, port = tmp_path / "api.log", tmp_path / "worker.log", free_port()
    uvicorn = [sys.executable, "-P", "-m", "uvicorn", "app.main:create_app", "--factory", "--port", str(port)]
    worker = [sys.executable, "-P", "-m", "workers.main"]
    with (
        started(uvicorn, api_log, CROZE_REDIS_URL=url, CROZE_LOG_LEVEL="DEBUG"),
        started(worker, worker_log, CROZE_REDIS_URL=url, CROZE_LOG_LEVEL="DEBUG") as process,
    ):
        expected = 200 if right else 503
        assert wait_until(lambda: _status(port) == expected, START_S), api_log.read_text()
        told = "ready" if right else "waiting for Redis"
        assert wait_until(lambda: told in worker_log.read_text(), START_S), worker_log.read_text()
        answers = [httpx.get(f"http://127.0.0.1:{port}{path}", timeout=30) for path in ("/readyz", "/v1/jobs", "/v1")]
        lines = [f"/proc/{pid}/cmdline" for pid in (process.pid, *descendants(process.pid))]
        command_lines = [Path(line).read_bytes().decode() for line in lines if Path(line).exists()]

    for text in (api_log.read_text(), worker_log.read_text(), *(answer.text for answer in answers), *command_lines):
        check_nothing_told(text)


def _status(port: int) -> int:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code
    except httpx.TransportError:
        time.sleep(0.1)
        return 0


@pytest.mark.parametrize(
    "url", ["redis://:hunter2#x@127.0.0.1/0", "http://:hunter2@127.0.0.1", "redis://:hunter2@[::1/0"]
)
def test_a_url_that_cannot_be_read_is_not_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="no URL of a Redis server") as caught:
        connect(url)
    check_nothing_told(str(caught.value))

    for module in (["uvicorn", "app.main:create_app", "--factory", "--port", "0"], ["workers.main"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", *module],
            env={**os.environ, "CROZE_REDIS_URL": url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode != 0
        check_nothing_told(done.stdout + done.stderr)


def test_settings_can_be_printed() -> None:
    check_nothing_told(repr(Settings(redis_url=f"redis://:{PASSWORD}@127.0.0.1/0")))
