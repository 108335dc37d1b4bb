from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
import redis as redis_driver

from tests.app.cli.conftest import Croze
from tests.app.cli.processes import CROZE, croze_up, descendants
from tests.workers.processes import is_alive, wait_until

RESTART_S = 60.0
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3',0),('sep_conv_3x3',1),('sep_conv_3x3',0),('sep_conv_3x3',1),('sep_conv_3x3',1),"
    "('skip_connect',0),('skip_connect',0),('dil_conv_3x3',2)], normal_concat=[2,3,4,5], reduce=[('max_pool_3x3',0),"
    "('max_pool_3x3',1),('skip_connect',2),('max_pool_3x3',1),('max_pool_3x3',0),('skip_connect',2),"
    "('skip_connect',2),('max_pool_3x3',1)], reduce_concat=[2,3,4,5])"
)
SMALL = ("--channels", "4", "--cells", "1", "--proxy", "croze", "--proxy", "macs", "--format", "json")


def values(out: str) -> list[dict[str, float]]:
    """Per item, proxy -> value, in the order printed."""
    items = [json.loads(line) for line in out.splitlines()]
    return [{name: score["value"] for name, score in item["scores"].items()} for item in items]


@pytest.mark.slow
def test_scores_over_http_are_the_local_ones(croze: Croze, tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    np.savez(file, images=images, labels=np.array([0, 1, 2, 1]))
    cells = "\n".join(f"index:{index}" for index in (12, 10, 13714, 2631, 0))
    with croze_up(tmp_path) as up:
        for batch in ("cifar10:train[0:8]", str(file)):
            arguments = ("score", "-", *SMALL, "--batch", batch, "--seed", "7")
            local, remote = croze(*arguments, stdin=cells), croze(*arguments, "--url", up.url, stdin=cells)
            assert (local.exit_code, remote.exit_code) == (0, 0), remote.err
            assert values(remote.out) == values(local.out)
            ours, theirs = (json.loads(done.out.splitlines()[2]) for done in (local, remote))
            for item in (ours, theirs):
                del item["started_at"], item["finished_at"]
                for score in item["scores"].values():
                    del score["seconds"], score["cached"]
            assert theirs == ours, "one shape, here and there"

        refused = croze("score", "-", *SMALL, "--channels", "4096", "--cells", "8", "--url", up.url, stdin=cells)
        assert (refused.exit_code, refused.out) == (2, "")
        assert "GiB" in refused.err
        assert "standard input:1" in refused.err


@pytest.mark.slow
def test_what_dies_is_started_again_and_sigterm_drains(croze: Croze, tmp_path: Path) -> None:
    with croze_up(tmp_path, workers=2) as up:
        for command, count in (("workers.main", 2), ("uvicorn", 1), ("valkey-server", 1), ("workers.engine_main", 2)):
            victim = min(up.children(command))
            os.kill(victim, signal.SIGKILL)
            assert wait_until(lambda c=command, v=victim, n=count: up.replaced(c, v, n), RESTART_S), (  # type: ignore[misc]
                command, up.text(),
            )  # fmt: skip
        done = croze("score", "index:12", "index:13714", *SMALL, "--url", up.url)
        assert done.exit_code == 0, done.err
        assert "worker-1 died (killed by SIGKILL)" in up.text()

        started = [*descendants(up.process.pid)]
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(30) == 0
        assert up.text().rstrip().endswith("stopped")
        assert [pid for pid in started if is_alive(pid)] == []


@pytest.mark.slow
def test_nothing_survives_sigkill_and_the_folder_can_be_used_again(tmp_path: Path) -> None:
    with croze_up(tmp_path, workers=2) as up:
        started = [*descendants(up.process.pid)]
        assert len(started) >= 6, "Redis, API, two workers and their engines"
        up.process.kill()
        assert wait_until(lambda: not any(map(is_alive, started)), 20)
    with croze_up(tmp_path) as again:
        assert httpx.get(f"{again.url}/readyz").status_code == 200
        second = subprocess.run(
            [*CROZE, "up", "--data-dir", str(again.folder)], capture_output=True, text=True, timeout=60, check=False
        )
        assert second.returncode == 1
        assert f"process {again.process.pid}, which serves {again.url}" in second.stderr


def test_a_server_of_the_users_own_is_used_and_left_running(
    croze: Croze, tmp_path: Path, redis_url: str, redis: redis_driver.Redis
) -> None:
    with croze_up(tmp_path, redis_url=redis_url) as up:
        assert up.children("valkey-server") == set()
        assert "your Redis server" in up.text()
        done = croze("score", "index:12", *SMALL, "--url", up.url)
        assert done.exit_code == 0, done.err
    assert redis.ping()
    assert redis.dbsize() > 0


def test_a_port_in_use_is_told_before_anything_starts(croze: Croze, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = croze("up", "--port", str(port), "--data-dir", str(tmp_path / "state"))
    assert done.exit_code == 1
    assert f"127.0.0.1:{port}" in done.err
    assert "--port 0" in done.err
    assert not (tmp_path / "state").exists()


def test_a_redis_url_that_nobody_answers_is_told(croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROZE_REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    done = croze("up", "--port", "0", "--data-dir", str(tmp_path / "state"))
    assert done.exit_code == 1
    assert "REDIS_URL" in done.err
    monkeypatch.setenv("CROZE_REDIS_URL", "http://127.0.0.1")
    assert "is no Redis URL" in croze("up", "--port", "0", "--data-dir", str(tmp_path / "state")).err


@pytest.mark.slow
def test_clients_that_wait_do_not_hold_up_the_end(tmp_path: Path) -> None:
    slow = {"space": "darts", "architectures": [DARTS_V2], "settings": {"channels": 36, "layers": 20}}
    with croze_up(tmp_path) as up, ThreadPoolExecutor(2) as clients:
        job = httpx.post(f"{up.url}/v1/jobs", json=slow).headers["Location"]
        waiting = clients.submit(_ended, f"{up.url}{job}?wait=60")
        streaming = clients.submit(_ended, f"{up.url}{job}/scores?format=ndjson")
        assert wait_until(lambda: httpx.get(f"{up.url}{job}").json()["status"] == "running", 30)
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(25) == 0, up.text()
        assert waiting.result(10)
        assert streaming.result(10)


def _ended(url: str) -> bool:
    """Whether a request came to an end, whatever it was."""
    try:
        httpx.get(url, timeout=90)
    except httpx.TransportError:
        return True
    return True
