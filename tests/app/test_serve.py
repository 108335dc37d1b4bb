"""The API process of a container, and its probe: what is wrong is the first line, and the probe says it too."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis as redis_driver

from app.serve import EXIT_CANNOT_SERVE, EXIT_SETTINGS
from tests.app.test_secrets import free_port, started
from tests.workers.processes import wait_until
from workers import keys
from workers.store import Store

SERVE = [sys.executable, "-P", "-m", "app.serve"]
EVERYWHERE = "0.0.0.0"  # noqa: S104
START_S = 120.0


def refused(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """An API that is expected to end by itself."""
    return subprocess.run(
        [*SERVE, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def probe(port: int) -> tuple[int, str]:
    """Exit code and line of the health check."""
    told = subprocess.run(
        [sys.executable, "-P", "-m", "app.probe", f"http://127.0.0.1:{port}/readyz"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return told.returncode, told.stdout.strip()


def first_line(log: Path) -> str:
    return next(iter(log.read_text().splitlines()), "")


@pytest.mark.parametrize(("name", "value"), [("CROZE_MAX_BODY", "much"), ("CROZE_REDIS_URL", "http://x")])
def test_a_wrong_setting_is_the_first_line(name: str, value: str) -> None:
    ended = refused(**{name: value})
    assert ended.returncode == EXIT_SETTINGS
    assert ended.stderr.startswith(f"croze api: wrong setting: {name}")
    assert len(ended.stderr.splitlines()) == 1


def test_a_password_that_is_not_there_is_the_first_line(tmp_path: Path) -> None:
    ended = refused(CROZE_REDIS_URL="redis://127.0.0.1:1", CROZE_REDIS_PASSWORD_FILE=str(tmp_path / "none"))
    assert ended.returncode == EXIT_SETTINGS
    assert ended.stderr.startswith("croze api: wrong setting: CROZE_REDIS_PASSWORD_FILE")


def test_an_open_service_does_not_start_where_others_reach_it(redis_url: str, store: Store) -> None:
    assert not store.api_keys.exist()
    ended = refused("--host", EVERYWHERE, "--port", "0", CROZE_REDIS_URL=redis_url)
    assert ended.returncode == EXIT_SETTINGS
    assert "no key was ever made" in ended.stderr.splitlines()[0]


def test_a_port_that_is_taken_is_named(redis_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = refused("--port", str(port), CROZE_REDIS_URL=redis_url)
    assert ended.returncode == EXIT_CANNOT_SERVE
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr.splitlines()[0]


@pytest.mark.parametrize("arguments", [("--port", "99999"), ("--host", "192.0.2.1")])
def test_an_address_that_is_none_is_named(redis_url: str, arguments: tuple[str, str]) -> None:
    ended = refused(*arguments, CROZE_REDIS_URL=redis_url, CROZE_ACCESS="keys")
    assert ended.returncode == EXIT_CANNOT_SERVE
    assert ended.stderr.startswith("croze api: cannot listen on ")
    assert arguments[1] in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_probe_of_something_else_says_so_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as pool:
        port = other.getsockname()[1]
        other.settimeout(120)
        asked = pool.submit(probe, port)
        connection, _ = other.accept()
        with connection:
            connection.sendall(b"no HTTP\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            code, line = asked.result(timeout=120)
    assert code == 1
    assert line.startswith(f"not ready: no answer from http://127.0.0.1:{port}/readyz: ")
    assert len(line.splitlines()) == 1


def test_records_of_a_newer_release_are_left_alone(redis_url: str, redis: redis_driver.Redis) -> None:
    redis.set(keys.SCHEMA_KEY, keys.SCHEMA + 1)
    ended = refused("--port", "0", CROZE_REDIS_URL=redis_url)
    assert ended.returncode == EXIT_CANNOT_SERVE
    assert "use the newer release" in ended.stderr


def test_it_serves_and_its_probe_agrees(tmp_path: Path, redis_url: str, redis: redis_driver.Redis) -> None:
    log, port = tmp_path / "api.log", free_port()
    assert probe(port)[0] == 1
    with started([*SERVE, "--port", str(port)], log, CROZE_REDIS_URL=redis_url):
        assert wait_until(lambda: probe(port) == (0, "ready"), START_S), log.read_text()
        assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=30).status_code == 200


def test_without_redis_it_starts_says_so_and_is_not_ready(tmp_path: Path) -> None:
    log, port, away = tmp_path / "api.log", free_port(), free_port()
    with started([*SERVE, "--port", str(port)], log, CROZE_REDIS_URL=f"redis://127.0.0.1:{away}/0"):
        assert wait_until(lambda: probe(port)[1].startswith("not ready: 503"), START_S), log.read_text()
        assert f"Redis at 127.0.0.1:{away} does not answer" in first_line(log)
        assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=30).status_code == 200
