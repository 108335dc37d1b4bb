"""A real Caddy with the shipped Caddyfile in front of a real API."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.app.driving import cells, submitted, work
from tests.app.telemetry.test_process import api_process
from tests.app.test_secrets import free_port
from tests.docker.stack import ROOT
from tests.workers.processes import wait_until
from workers.settings import connect
from workers.store import Store

CADDY: Final = shutil.which("caddy")
CADDYFILE: Final = ROOT / "docker" / "Caddyfile"
PATIENCE_S: Final = 60.0
#: Only what keeps it to itself: no ports of others, nothing installed on this machine.
_OPTIONS: Final = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
pytestmark = pytest.mark.skipif(CADDY is None, reason="caddy is not on PATH (Debian's package: caddy)")


@contextmanager
def caddy(api: httpx.URL, folder: Path) -> Iterator[httpx.Client]:
    """HTTPS in front of the API, by an authority of Caddy's own, and a client that trusts it."""
    text = CADDYFILE.read_text()
    assert "reverse_proxy api:8000 " in text
    (folder / "Caddyfile").write_text(_OPTIONS + text.replace("api:8000", f"{api.host}:{api.port}"))
    port = free_port()
    command = [str(CADDY), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    here = {"CROZE_HOSTNAME": f"localhost:{port}", "CROZE_TLS": "tls internal"}
    folders = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **here, **folders}) as process,
    ):
        try:
            assert wait_until(authority.is_file, PATIENCE_S), (folder / "log").read_text()
            trusted = ssl.create_default_context(cafile=str(authority))
            with httpx.Client(base_url=f"https://localhost:{port}", verify=trusted, timeout=60) as client:
                assert wait_until(lambda: answers(client), PATIENCE_S), (folder / "log").read_text()
                yield client
        finally:
            process.kill()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def front(redis: object, redis_url: str, tmp_path: Path) -> Iterator[httpx.Client]:
    del redis  # an empty server
    with api_process(redis_url, tmp_path / "api.log", CROZE_ALLOWED_HOSTS="localhost") as (_, api):
        (tmp_path / "caddy-home").mkdir()
        with caddy(api.base_url, tmp_path / "caddy-home") as client:
            yield client


def test_the_api_is_behind_it(front: httpx.Client) -> None:
    assert front.get("/readyz").status_code == 200
    assert front.get("/v1/spaces").json()["items"]
    answer = front.post("/v1/jobs", json={"space": "elsewhere", "architectures": ["x"]})
    assert answer.status_code == 422
    assert answer.json()["status"] == 422


def test_a_body_that_is_too_large_is_refused_in_the_words_of_the_api(front: httpx.Client) -> None:
    answer = front.post("/v1/jobs", content=b" " * (33 * 2**20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/event-stream"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_items_come_through_as_they_end(front: httpx.Client, redis_url: str, kind: str, encoding: str) -> None:
    """Not when the stream is over, nor when some buffer is full."""
    with connect(redis_url) as connection:
        store = Store(connection)
        job = submitted(front, architectures=cells(3))["id"]
        work(store, job, 1)
        headers = {"Accept": kind, "Accept-Encoding": encoding}
        began = time.monotonic()
        with front.stream("GET", f"/v1/jobs/{job}/scores", headers=headers) as answer:
            assert answer.status_code == 200
            pieces = answer.iter_text()
            seen = ""
            for expected in (1, 2, 3):
                while seen.count('"index":') < expected:
                    seen += next(pieces)
                work(store, job, 1)
        assert time.monotonic() - began < PATIENCE_S / 2
