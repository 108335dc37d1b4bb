"""The one file for old Pythons: its syntax is theirs, and the real API understands it."""

from __future__ import annotations

import ast
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import croze_client_lite
import numpy as np
import pytest
import redis as redis_driver
from croze_client_lite import CrozeError, Service

from tests.app.driving import CELL
from tests.client.conftest import working
from workers.store import Store

SOURCE = Path(croze_client_lite.__file__).read_text()
#: What a module of today has and Python 3.7 had not.
NEWER = {"removeprefix", "removesuffix", "zoneinfo", "tomllib", "graphlib", "walrus", "cache", "Literal", "Final"}


def test_it_is_python_3_7_and_needs_nothing() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 7))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported == {"__future__", "http", "json", "os", "time", "typing", "urllib", "uuid"}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not (names | attributes) & NEWER
    assert not any(isinstance(node, ast.NamedExpr | ast.Match) for node in ast.walk(tree))


def test_it_scores(url: str, store: Store) -> None:
    service = Service(url, api_key="")
    with working(store, at_once=500):
        items = service.score([CELL, "nonsense"], "nasbench201", proxies=["croze", "params"])
        assert [item["status"] for item in items] == ["scored", "failed"]
        assert items[0]["architecture"] == CELL
        values = service.values(np.arange(1200), "nasbench201", format="nats_tss_index")
    assert len(values) == 1200
    assert values[:2] == [1.5, 2.5]


def test_a_job_that_was_forgotten_is_made_again_and_the_same_key_is_the_same_job(
    url: str, store: Store, redis: redis_driver.Redis
) -> None:
    service = Service(url, api_key="")
    job = service.submit(["index:1"], "nasbench201", "my-key")
    assert service.submit(["index:1"], "nasbench201", "my-key")["id"] == job["id"]
    redis.flushall()
    with working(store):
        assert service.wait(job)["status"] == "completed"
    other = service.submit(["index:2"], "nasbench201", "other-key")
    assert service.cancel(other)["status"] == "canceled"


def test_refusals_and_silence_are_errors(url: str) -> None:
    with pytest.raises(CrozeError) as caught:
        Service(url, api_key="").score(["index:1"], "nasbench301")
    assert (caught.value.code, caught.value.problem["status"]) == ("unknown_space", 422)
    with pytest.raises(CrozeError) as caught:
        Service("http://127.0.0.1:9", api_key="", away=0.0).score(["index:1"], "nasbench201")
    assert caught.value.code == "unreachable"


class _Busy(BaseHTTPRequestHandler):
    """Says twice that it is busy, then that it is something else."""

    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        busy = self.asked < 3
        self.send_response(429 if busy else 200)
        if busy:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        pass


def test_a_busy_service_is_asked_again_and_a_stranger_is_told_apart() -> None:
    with HTTPServer(("127.0.0.1", 0), _Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(CrozeError, match="not a CRoZe service"):
            Service(f"http://127.0.0.1:{server.server_port}").submit(["x"], "nasbench201", "key")
        server.shutdown()
    assert _Busy.asked == 3
