"""What happens around every request, over a real connection."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from app.middleware import SECURITY_HEADERS, RequestId, Unhandled
from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import CELL, submit


def test_a_sane_request_id_is_sent_back(api: httpx.Client) -> None:
    assert api.get("/livez", headers={"X-Request-ID": "run-7.A:b"}).headers["x-request-id"] == "run-7.A:b"


@pytest.mark.parametrize("bad", ["", "two words", "x" * 129, "a;b", "<script>"])
def test_other_request_ids_are_replaced(api: httpx.Client, bad: str) -> None:
    given = api.get("/livez", headers={"X-Request-ID": bad}).headers["x-request-id"]

    assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_requests_without_id_get_one_each(api: httpx.Client) -> None:
    assert api.get("/livez").headers["x-request-id"] != api.get("/livez").headers["x-request-id"]


@pytest.mark.parametrize("path", ["/livez", "/v1/nothing", "/v1/jobs/nothing"])
def test_every_answer_has_security_headers(api: httpx.Client, path: str) -> None:
    headers = api.get(path).headers

    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "access-control-allow-origin" not in headers


def test_docs_page_may_load_its_script(api: httpx.Client) -> None:
    answer = api.get("/docs")

    assert answer.status_code == 200
    assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:80"])
def test_loopback_hosts_are_served(api: httpx.Client, host: str) -> None:
    assert api.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_are_served_by_whatever_address(api: httpx.Client, path: str) -> None:
    assert api.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[::2]"])
def test_other_hosts_are_refused(api: httpx.Client, host: str) -> None:
    answer = api.get("/v1/jobs", headers={"Host": host})

    assert answer.status_code == 421
    problem = answer.json()
    assert problem["code"] == "host_not_allowed"
    assert repr(host) in problem["detail"]
    assert "localhost" in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_allowed_hosts_are_a_setting(serve: Serve, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROZE_ALLOWED_HOSTS", "Scores.example, 127.0.0.1")
    api = serve(Settings(redis_url=redis_url))

    assert api.get("/v1", headers={"Host": "scores.example:443"}).status_code == 200
    assert api.get("/v1", headers={"Host": "localhost"}).status_code == 421


def test_any_host_may_be_allowed(serve: Serve, redis_url: str) -> None:
    api = serve(Settings(redis_url=redis_url, allowed_hosts=("*",)))

    assert api.get("/livez", headers={"Host": "anything.example"}).status_code == 200


BINARY = {"Content-Type": "application/octet-stream"}


def _pieces(total: int) -> Iterator[bytes]:
    """A body without Content-Length."""
    for _ in range(total // 1000):
        yield b" " * 1000


def test_a_body_over_the_limit_is_a_413_problem(serve: Serve, redis_url: str) -> None:
    api = serve(Settings(redis_url=redis_url, max_body="10kB"))  # type: ignore[arg-type]
    json_type = {"Content-Type": "application/json"}

    answers = [
        api.post("/v1/jobs", content=b" " * 10_001, headers=json_type),
        api.post("/v1/jobs", content=_pieces(11_000), headers=json_type),
        api.post("/v1/jobs", content=_pieces(10**7), headers=json_type),
        api.post("/v1/batches?name=x", content=b" " * 10_001),
        api.post("/v1/batches?name=x", content=_pieces(11_000), headers=BINARY),
    ]

    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert answer.json()["code"] == "body_too_large"
        assert "10000 bytes" in answer.json()["detail"]
    assert submit(api).status_code == 202


def test_a_body_at_the_limit_is_read(serve: Serve, redis_url: str) -> None:
    api = serve(Settings(redis_url=redis_url, max_body="10kB"))  # type: ignore[arg-type]
    body = f'{{"space": "nasbench201", "architectures": ["{CELL}"]}}'.encode().ljust(10_000)

    assert api.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"}).status_code == 202


async def _broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret detail")


async def _broken_halfway(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("secret detail")


async def _call(app: Any) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    stack = RequestId(Unhandled(app))
    await stack({"type": "http", "method": "GET", "path": "/x", "headers": [(b"x-request-id", b"id-1")]}, receive, send)
    return sent


def test_the_unexpected_is_a_500_that_says_nothing_and_a_log_line_that_does(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="croze.api"):
        start, body = anyio.run(_call, _broken)

    assert start["status"] == 500
    assert (b"x-request-id", b"id-1") in start["headers"]
    assert b"internal_error" in body["body"]
    assert b"id-1" in body["body"]
    assert b"secret" not in body["body"]
    assert "id-1" in caplog.text
    assert "secret detail" in caplog.text


def test_an_answer_that_broke_halfway_is_not_ended_properly() -> None:
    with pytest.raises(RuntimeError, match="secret"):
        anyio.run(_call, _broken_halfway)
