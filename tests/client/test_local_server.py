"""A real service for the length of a block: it scores, and it ends, whatever ends the program."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from croze_client import AsyncClient, LocalServerFailed, local_server
from croze_client import local as local_module

from tests.workers.processes import is_gone_within, kill, python, read_line, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_S = 120
PROGRAM = """
import sys
from pathlib import Path
from croze_client import local_server
with local_server(workers=1) as client:
    print(client.url, flush=True)
    sys.stdin.readline()
"""


def answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.socket() as end:
        return end.connect_ex((host, int(port))) == 0


def test_it_scores_in_one_program_and_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9")  # of another service; not for this one
    monkeypatch.setenv("CROZE_API_KEY", "also-of-another")
    small = {"channels": 4, "cells": 1}
    with local_server(workers=1, space="nasbench201", settings=small, batch="cifar10:train[0:4]") as client:
        results = client.score(["index:2631", "index:13145"], proxies=["croze", "params"], seeds=[0, 1])
        assert [result.ok for result in results] == [True, True]
        spread = results[0].scores["croze"].spread
        assert spread is not None
        assert spread.seeds == (0, 1)
        assert results[0].value("params") == results[0].params

        async def once_more() -> list[float | None]:
            async with AsyncClient(client.url, api_key="", space="nasbench201", settings=small) as other:
                return [each.score for each in await other.score(["index:2631"], batch="cifar10:train[0:4]", seed=0)]

        assert asyncio.run(once_more()) == [spread.values[0]]
        assert answers(client.url)
    assert not answers(client.url)


def test_it_ends_with_a_program_that_is_killed() -> None:
    with python(PROGRAM) as process:
        url = read_line(process)
        assert answers(url)
        os.kill(process.pid, signal.SIGKILL)
        assert wait_until(lambda: not answers(url), PATIENCE_S)


def test_the_end_may_fall_on_any_line_of_the_keeper(tmp_path: Path) -> None:
    """It is told in two ways at once: its input ends, and it gets SIGTERM."""
    output = tmp_path / "output.txt"
    service = [sys.executable, "-I", "-S", "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
    left = []
    for _ in range(30):
        with local_module._running(service, output):
            assert wait_until(lambda: output.read_text().endswith("\n"), PATIENCE_S)
            pid = int(output.read_text())
        if Path(f"/proc/{pid}").exists():
            left.append(pid)
            os.kill(pid, signal.SIGKILL)
    assert left == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_keeper_that_is_killed_leaves_no_service_behind(tmp_path: Path) -> None:
    output = tmp_path / "output.txt"
    service = [sys.executable, "-I", "-S", "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
    with local_module._running(service, output) as keeper:
        assert wait_until(lambda: output.read_text().endswith("\n"), PATIENCE_S)
        pid = int(output.read_text())
        keeper.kill()
        try:
            assert is_gone_within(pid, PATIENCE_S)
        finally:
            kill(pid)


def test_a_service_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROZE_MAX_BODY", "many")
    with pytest.raises(LocalServerFailed, match="did not start"), local_server(workers=1):
        raise AssertionError("it cannot start")


def test_without_the_service_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "entry_points", lambda **_: [])
    with pytest.raises(LocalServerFailed, match="install the distribution croze"), local_server():
        raise AssertionError("there is nothing to start")


def test_the_example_without_a_library_runs_as_it_is() -> None:
    example = Path(__file__).parents[2] / "examples" / "plain_search.py"
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    assert "|nor_conv" in done.stdout
