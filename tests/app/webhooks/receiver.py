"""A real receiver of webhooks on loopback, and jobs that name it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import httpx
import redis as redis_driver

from tests.app.driving import submitted
from tests.workers.processes import wait_until
from workers import keys

SECRET: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()
#: Far more than any of it takes, for machines that are busy with other tests.
PATIENCE_S: Final = 120.0


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def content(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """Answers what it is told to, and remembers everything."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """For the next requests; 204 when there are none left."""
    go_on: threading.Event = field(default_factory=threading.Event)
    """Requests are held until this is set."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/told?token=in-the-query"

    def wait_for(self, count: int) -> list[Received]:
        """What it has received, as soon as it is that much."""
        assert wait_until(lambda: len(self.received) >= count, PATIENCE_S), self.received
        return self.received


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver on that port, or on a free one."""
    receiver = Receiver()
    receiver.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            receiver.go_on.wait(PATIENCE_S)
            status = receiver.statuses.pop(0) if receiver.statuses else 204
            try:
                self.send_response(status)
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/redirected")
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # the sender was killed meanwhile

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.go_on.set()
            server.shutdown()
            thread.join(PATIENCE_S)


def submitted_to(api: httpx.Client, url: str, **fields: Any) -> Any:
    """A job that tells that URL of its end."""
    return submitted(api, webhook={"url": url, "secret": SECRET}, **fields)


def delivery_of(api: httpx.Client, job: Any) -> Any:
    """The one delivery of a job."""
    (delivery,) = api.get(job["links"]["deliveries"]).json()["items"]
    return delivery


def wait_for_status(api: httpx.Client, job: Any, status: str, attempts: int) -> Any:
    """The job's delivery when it has that status and that many attempts."""

    def is_so() -> bool:
        now = delivery_of(api, job)
        return now["status"] == status and len(now["attempts"]) >= attempts

    assert wait_until(is_so, PATIENCE_S), delivery_of(api, job)
    return delivery_of(api, job)


def make_due(redis: redis_driver.Redis, job: Any) -> None:
    """As if the time for it had come, or its lease had ended."""
    redis.zadd(keys.DELIVERIES, {job["id"]: 1.0}, xx=True)
