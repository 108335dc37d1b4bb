"""An API process as it really runs: what it logs, and in what form."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.telemetry import process
from tests.workers.otlp import collector, names
from tests.workers.processes import wait_until
from workers import tracing


@contextmanager
def api_process(redis_url: str, log: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """`uvicorn app.main:create_app --factory`, answering, and a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as server, log.open("wb") as output:
        command = [sys.executable, "-P", "-m", "uvicorn", "app.main:create_app", "--factory"]
        child = subprocess.Popen(
            [*command, "--fd", str(server.fileno())],
            pass_fds=[server.fileno()], stderr=output, stdout=output,
            env={**os.environ, "CROZE_REDIS_URL": redis_url, **variables},
        )  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{server.getsockname()[1]}", timeout=60) as client:
                assert client.get("/livez").status_code == 200
                yield child, client
        finally:
            child.kill()
            child.wait(20)


@pytest.mark.usefixtures("redis")
def test_every_line_is_json_and_says_what_request_it_is_about(redis_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with api_process(redis_url, log, CROZE_LOG_FORMAT="json") as (child, client):
        client.get("/v1/spaces", headers={"X-Request-ID": "mine"})
        assert wait_until(lambda: "mine" in log.read_text(), 20)
        child.send_signal(signal.SIGTERM)
        child.wait(60)
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    (mine,) = [line for line in lines if line.get("request_id") == "mine"]
    assert mine["logger"] == "croze.access"
    assert (mine["method"], mine["route"], mine["status"]) == ("GET", "/v1/spaces", 200)
    loggers = {line["logger"] for line in lines}
    assert "uvicorn.error" in loggers
    assert "uvicorn.access" not in loggers
    assert not [line for line in lines if line.get("route") == "/livez"]


@pytest.mark.usefixtures("redis")
def test_lines_are_for_people_unless_told_otherwise(redis_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with api_process(redis_url, log, CROZE_LOG_LEVEL="DEBUG") as (_, client):
        client.get("/livez", headers={"X-Request-ID": "mine"})
        assert wait_until(lambda: "[request_id=mine]" in log.read_text(), 20)
    (line,) = [line for line in log.read_text().splitlines() if "mine" in line]
    assert "DEBUG   croze.access: GET /livez 200 in " in line


def test_fastapi_is_told_to_trace_nothing_unless_traces_are_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_provider", None)
    told = process.requests_traced()
    assert told["tracer_provider"] is None
    assert {told[part] for part in ("tracing", "metrics", "logs", "operation_spans", "auto_configure")} == {False}


@pytest.mark.usefixtures("redis")
def test_spans_are_sent_before_the_process_ends(redis_url: str, tmp_path: Path) -> None:
    with collector() as (url, received):
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
        with api_process(redis_url, tmp_path / "log", **variables) as (child, client):
            assert client.get("/v1/spaces").status_code == 200
            child.send_signal(signal.SIGTERM)
            child.wait(60)
    assert names(received) == {"croze-api": ["GET /livez", "GET /v1/spaces"]}
