"""What is logged and told of a request, over a real connection."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.settings import Settings
from app.telemetry.requests import access_log
from tests.app.conftest import Serve
from tests.app.driving import CELL, cells, submit, submitted
from tests.workers.processes import wait_until
from workers import logs
from workers.store import Store


class Kept(logging.Handler):
    """The access log, with all that a line would have."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        bound = {name: logs.bound_value(name) for name in ("request_id", "job_id")}
        fields = getattr(record, "fields", {})
        self.lines.append({"message": record.getMessage(), "level": record.levelname, **bound, **fields})

    def of(self, request_id: str) -> dict[str, Any]:
        """The one line of that request. It is written after the answer's last byte, so it may take a moment."""
        assert wait_until(lambda: any(line["request_id"] == request_id for line in self.lines), 20)
        (line,) = [line for line in self.lines if line["request_id"] == request_id]
        return line


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler, level = Kept(), access_log.level
    access_log.addHandler(handler)
    access_log.setLevel(logging.DEBUG)
    yield handler
    access_log.removeHandler(handler)
    access_log.setLevel(level)


def test_a_request_is_one_line(api: httpx.Client, kept: Kept) -> None:
    made = submit(api)
    job_id = made.json()["id"]
    line = kept.of(made.headers["x-request-id"])
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/jobs", 202)
    assert (line["job_id"], line["level"]) == (job_id, "INFO")
    assert line["duration_ms"] > 0
    assert line["message"] == f"POST /v1/jobs 202 in {line['duration_ms']:.1f} ms"

    api.get(f"/v1/jobs/{job_id}", headers={"X-Request-ID": "mine"})
    line = kept.of("mine")
    assert (line["route"], line["status"], line["job_id"]) == ("/v1/jobs/{job_id}", 200, job_id)


def test_nothing_that_was_sent_is_logged(api: httpx.Client, kept: Kept) -> None:
    body = {"space": "s3cret", "architectures": ["s3cret"]}
    api.post("/v1/jobs?token=s3cret", json=body, headers={"X-Request-ID": "1", "X-Other": "s3cret"})
    api.post("/v1/jobs", json=body, headers={"X-Request-ID": "2", "Authorization": "Bearer s3cret"})
    api.get("/v1/jobs/s3cret%0Aforged", headers={"X-Request-ID": "3"})
    lines = [kept.of(request_id) for request_id in "123"]
    assert "s3cret" not in str(lines)
    assert [line["status"] for line in lines] == [422, 401, 404]
    assert (lines[2]["route"], lines[2]["job_id"]) == ("/v1/jobs/{job_id}", None)


def test_refused_before_any_route_is_logged_too(api: httpx.Client, kept: Kept) -> None:
    api.get("/v1/spaces", headers={"X-Request-ID": "stranger", "Host": "evil.example"})
    line = kept.of("stranger")
    assert (line["route"], line["status"], line["level"]) == ("none", 421, "INFO")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_are_for_debugging(api: httpx.Client, kept: Kept, path: str) -> None:
    answer = api.get(path)
    assert kept.of(answer.headers["x-request-id"])["level"] == "DEBUG"


def test_a_job_keeps_the_id_of_its_request(api: httpx.Client, store: Store) -> None:
    made = submit(api)
    job = store.jobs.get(made.json()["id"])
    assert job is not None
    assert job.spec.request_id == made.headers["x-request-id"]
    assert job.spec.traceparent is None


def parts(answer: httpx.Response) -> dict[str, float]:
    """Milliseconds by part."""
    header = answer.headers["server-timing"]
    assert re.fullmatch(r"(\w+;dur=\d+\.\d(, )?)+", header), header
    return {part: float(milliseconds) for part, milliseconds in re.findall(r"(\w+);dur=([\d.]+)", header)}


def test_answers_say_where_the_time_went(api: httpx.Client) -> None:
    made = parts(submit(api, architectures=cells(300)))
    assert list(made)[-1] == "total"
    assert made.keys() == {"parse", "store", "total"}
    assert 0 < made["parse"] < made["total"]
    assert 0 < made["store"] < made["total"]
    assert "parse" not in parts(api.get(f"/v1/jobs/{submitted(api)['id']}"))
    assert parts(api.get("/livez")).keys() == {"total"}
    assert parts(api.get("/v1/nothing"))["total"] >= 0


def test_waiting_for_redis_is_told_even_if_in_vain(serve: Serve) -> None:
    api = serve(Settings(redis_url="redis://127.0.0.1:1"))
    answer = api.post("/v1/jobs", json={"space": "nasbench201", "architectures": [CELL]})
    assert answer.status_code == 503
    assert "store" in parts(answer)
