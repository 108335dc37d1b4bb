"""A real Prometheus with the shipped configuration and rules, on a real API; and every query of the dashboard."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.app.fleet.test_endpoints import BUSY
from tests.app.telemetry.test_process import api_process
from tests.app.test_secrets import free_port
from tests.docker.test_observability import FOLDER, api, queries, rules
from tests.workers.processes import wait_until
from workers.store import Store

__all__ = ["api"]  # a fixture

PROMETHEUS: Final = shutil.which("prometheus")
PATIENCE_S: Final = 120.0
pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not on PATH (Debian's package: prometheus)")

RESTARTS: Final = itertools.count(3)
Service = tuple[httpx.Client, Store]


@contextmanager
def prometheus(target: str, token: str, folder: Path) -> Iterator[httpx.Client]:
    """One that scrapes `target` (`host:port`) every second, and a client of its HTTP API."""
    config = (FOLDER / "prometheus.yml").read_text()
    changes = {
        "/run/secrets/metrics_token": str(folder / "token"),
        "api:8000": target,
        "interval: 15s": "interval: 1s",
    }
    for shipped, here in changes.items():
        assert shipped in config
        config = config.replace(shipped, here)
    (folder / "token").write_text(f"{token}\n")
    (folder / "prometheus.yml").write_text(config)
    shutil.copy(FOLDER / "croze.rules.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(PROMETHEUS), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}", "--log.level=warn",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            with httpx.Client(base_url=f"http://{address}/api/v1", timeout=30, trust_env=False) as client:
                yield client
        finally:
            process.kill()


def answer(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    """What a query gives. Not yet up: nothing."""
    try:
        said = client.get("/query", params={"query": query}).json()
    except (httpx.TransportError, ValueError):
        return []
    assert said["status"] == "success", f"{query}: {said}"
    found: list[dict[str, Any]] = said["data"]["result"]
    return found


def value(client: httpx.Client, query: str) -> float | None:
    found = answer(client, query)
    return float(found[0]["value"][1]) if found else None


def silent(client: httpx.Client) -> list[str]:
    """The dashboard's queries that have no figure to show; those of alerts need not have one."""
    return [query for query in queries() if "ALERTS" not in query and not answer(client, query)]


def beats(store: Store) -> bool:
    """The worker lives, and has started its engine anew. Nobody else says so for it."""
    store.fleet.beat(replace(BUSY, engine_restarts=next(RESTARTS)))
    return True


@pytest.fixture
def guarded(api: Service, redis_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    """Another API process of the same service, which lets nobody in without a key."""
    del api
    with api_process(redis_url, tmp_path / "guarded.log", CROZE_ACCESS="keys") as (_, client):
        yield client


def test_every_query_is_answered_and_every_rule_is_well(api: Service, guarded: httpx.Client, tmp_path: Path) -> None:
    _, store = api
    _, token = store.api_keys.add("prometheus", "read")
    target = f"{guarded.base_url.host}:{guarded.base_url.port}"
    with prometheus(target, token, tmp_path) as client:
        assert wait_until(lambda: (value(client, 'count_over_time(up{job="croze"}[5m])') or 0) >= 5, PATIENCE_S), (
            tmp_path / "log"
        ).read_text()
        assert value(client, 'min_over_time(up{job="croze"}[5m])') == 1, answer(client, "up")
        # What the service was made to have: 8 cells, of which 3 were scored and 1 failed, and 2 that were known.
        expected = {
            "croze:queue_items": 4,
            "croze:workers_fit": 1,
            "croze:items_ended_total": 6,
            "croze:items_broken_total": 1,
        }
        assert wait_until(
            lambda: beats(store) and {name: value(client, name) for name in expected} == expected, PATIENCE_S
        ), {name: value(client, name) for name in expected}
        assert (value(client, "croze:queue_work_seconds") or 0) > 0
        assert wait_until(lambda: beats(store) and not silent(client), PATIENCE_S), silent(client)

        told = [rule for group in client.get("/rules").json()["data"]["groups"] for rule in group["rules"]]
        assert {rule["name"] for rule in told} == {rule.get("alert") or rule["record"] for rule in rules()}
        assert {(rule["health"], rule.get("lastError", "")) for rule in told} == {("ok", "")}


def test_a_token_that_was_revoked_is_seen(guarded: httpx.Client, tmp_path: Path) -> None:
    target = f"{guarded.base_url.host}:{guarded.base_url.port}"
    with prometheus(target, "croze_nobody", tmp_path) as client:
        assert wait_until(lambda: value(client, f'up{{job="croze", instance="{target}"}}') == 0, PATIENCE_S)
        (target_told,) = client.get("/targets").json()["data"]["activeTargets"]
        assert "401" in target_told["lastError"]
        assert wait_until(lambda: value(client, 'ALERTS{alertname="CrozeApiAway"}') == 1, PATIENCE_S)
