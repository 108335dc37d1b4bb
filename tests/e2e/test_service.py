"""The whole service as people run it: `croze up`, HTTP, Redis, workers, engines; and what dies in the middle of it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.cli.processes import CROZE, Up, croze_up
from tests.workers.processes import wait_until

#: Of the official network's shape, and fifty times cheaper.
SETTINGS = {"channels": 6, "cells": 2}
INDEXES = random.Random(0).sample(range(15_625), 500)
REQUEST = {
    "space": "nasbench201",
    "settings": SETTINGS,
    "architectures": INDEXES,
    "format": "nats_tss_index",
    "proxies": ["croze", "params"],
}


@pytest.mark.slow
def test_five_hundred_scores_equal_local_ones_though_an_engine_and_a_worker_die(tmp_path: Path) -> None:
    with croze_up(tmp_path, workers=2) as up, httpx.Client(base_url=up.url, timeout=70) as client:
        submitted = client.post("/v1/jobs", json=REQUEST)
        assert submitted.status_code == 202, submitted.text
        job = submitted.headers["Location"]

        kill_in_the_middle(client, job, up, "workers.engine_main", done=30)
        kill_in_the_middle(client, job, up, "workers.main", done=100)

        counts = ended(client, job)["counts"]
        assert (counts["scored"], counts["total"]) == (500, 500)
        remote = items(client, job)
        assert values(remote) == values(local_items(tmp_path))

        fastest = 60.0
        for _ in range(3):
            started = time.monotonic()
            again = client.post("/v1/jobs", json=REQUEST)
            known = items(client, again.headers["Location"])
            fastest = min(fastest, time.monotonic() - started)
            assert (again.status_code, again.json()["status"]) == (200, "completed")
            assert all(score["cached"] for item in known for score in item["scores"].values())
            assert values(known) == values(remote)
        assert fastest < 5, "known scores are answered in a fraction of a second, more on a machine that is busy"


def kill_in_the_middle(client: httpx.Client, job: str, up: Up, command: str, done: int) -> None:
    """SIGKILL one process of that command once `done` items have ended, and see to it that the job had not."""

    def scored() -> int:
        return int(client.get(job).json()["counts"]["scored"])

    assert wait_until(lambda: scored() >= done, 120), up.text()
    os.kill(min(up.children(command)), signal.SIGKILL)
    assert scored() < 500, "the job was over too soon to prove anything"


def ended(client: httpx.Client, job: str) -> dict[str, Any]:
    """The job once it has ended."""
    for _ in range(4):
        state: dict[str, Any] = client.get(job, params={"wait": 60}).json()
        if state["status"] == "completed":
            return state
    raise AssertionError(f"not completed: {state}")


def items(client: httpx.Client, job: str) -> list[dict[str, Any]]:
    """All items of a job, in the order of the request."""
    lines = client.get(f"{job}/scores", headers={"Accept": "application/x-ndjson"}).text.splitlines()
    return sorted(map(json.loads, lines), key=lambda item: int(item["index"]))


def local_items(folder: Path) -> list[dict[str, Any]]:
    """The same architectures by `croze score --local`, in the same order."""
    file = folder / "cells.txt"
    file.write_text("\n".join(f"index:{index}" for index in INDEXES))
    size = ("--channels", str(SETTINGS["channels"]), "--cells", str(SETTINGS["cells"]))
    command = [*CROZE, "score", "--local", "-f", str(file), *size, "--proxy", "croze", "--proxy", "params"]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def values(scored: list[dict[str, Any]]) -> list[tuple[str, dict[str, float]]]:
    """(architecture, proxy -> value) of each item, every bit of it."""
    return [(item["architecture"], {name: score["value"] for name, score in item["scores"].items()}) for item in scored]
