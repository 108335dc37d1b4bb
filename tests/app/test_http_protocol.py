"""What comes before any application does is bounded: by bytes, and by time. Over bare sockets, without any key."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import httpx
import pytest

from app import http_protocol
from app.http_protocol import MAX_HEAD

REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
#: What is sent at most before a test gives up: a bound that holds is far below.
MOST = 8 * 2**20


@pytest.fixture
def connection(api: httpx.Client) -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", api.base_url.port or 0), timeout=20)) as connection:
        yield connection


def flooded(connection: socket.socket, piece: bytes) -> int:
    """How many bytes of that were taken until the connection was ended."""
    sent = 0
    with suppress(ConnectionError):
        while sent < MOST:
            connection.sendall(piece)
            sent += len(piece)
    return sent


def answered(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    answer = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (REQUEST, b"X-Some: " + b"a" * 1000 + b"\r\n"),
        (REQUEST + b"X-Long: ", b"a" * 1000),
        (b"GET /", b"a" * 1000),
    ],
    ids=["headers", "a header", "a path"],
)
def test_a_head_that_does_not_end_is_cut_off(connection: socket.socket, begin: bytes, piece: bytes) -> None:
    connection.sendall(begin)
    assert flooded(connection, piece) < MOST


def test_a_head_that_is_too_long_is_told_so(api: httpx.Client, connection: socket.socket) -> None:
    connection.sendall(REQUEST + b"X-Long: ")
    time.sleep(0.1)
    connection.sendall(b"a" * (MAX_HEAD - 1000))
    # What came in one read with the beginning is not counted. So a little more each time that no answer has come: what
    # is sent after the end would tear the answer away.
    while not select.select([connection], [], [], 0.5)[0]:
        connection.sendall(b"a" * 10_000)
    head, _, body = answered(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    problem = json.loads(body)
    assert problem["code"] == "head_too_large"
    assert str(MAX_HEAD) in problem["detail"]
    assert api.get(problem["type"]).json()["status"] == 431


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"0\r\n", b"X-Some: " + b"a" * 1000 + b"\r\n"),
        (b"0\r\nX-Long: ", b"a" * 1000),
        (b"2;x=", b"a" * 1000),
    ],
    ids=["trailers", "a trailer", "an extension of a chunk"],
)
def test_what_stands_behind_a_body_is_cut_off_too(connection: socket.socket, begin: bytes, piece: bytes) -> None:
    connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + begin)
    assert flooded(connection, piece) < MOST


def test_a_long_body_in_small_chunks_is_no_long_head(api: httpx.Client, connection: socket.socket) -> None:
    content = json.dumps({"space": "x" * 100}).encode() + b" " * 4 * MAX_HEAD
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in content)
    connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    assert connection.recv(12) == b"HTTP/1.1 422"


def test_many_requests_on_one_connection_are_no_long_head(api: httpx.Client) -> None:
    for _ in range(3):
        assert api.get("/livez", headers={"X-Long": "a" * (MAX_HEAD // 2)}).status_code == 200


@pytest.mark.parametrize("begin", [b"", b"GET /livez HTTP/1.1\r\nHost: "], ids=["nothing", "half a head"])
def test_who_asks_for_nothing_is_not_waited_for(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 0.2)
    with closing(socket.create_connection(("127.0.0.1", api.base_url.port or 0), timeout=20)) as connection:
        connection.sendall(begin)
        began = time.monotonic()
        assert answered(connection) == b""
        assert time.monotonic() - began < 10


def test_who_is_answered_slowly_is_waited_for(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT", 2.0)
    job = api.post("/v1/jobs", json={"space": "nasbench201", "format": "nats_tss_index", "architectures": [0]}).json()
    assert api.get(job["links"]["self"], params={"wait": 3}).status_code == 200


def test_no_web_socket_is_opened(connection: socket.socket) -> None:
    wanted = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n"
    )
    connection.sendall(b"GET /v1/workers HTTP/1.1\r\nHost: localhost\r\n" + wanted)
    assert connection.recv(12) == b"HTTP/1.1 200"
