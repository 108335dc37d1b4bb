"""Workers that reach Redis over a network: TLS, a user of their own, and nothing else of the other machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests.app.conftest import served
from tests.workers.guarded_redis import API, WORKER, Guarded, guarded_redis, password
from tests.workers.odd_worker import odd_worker
from tests.workers.processes import wait_until
from tests.workers.tls_terminator import OPENSSL, Authority, tls_terminator
from workers.errors import StoreUnavailable
from workers.settings import connect
from workers.store import Store

pytestmark = pytest.mark.skipif(
    OPENSSL is None, reason="certificates are made by the program openssl, which is not here"
)

PATIENCE_S = 120.0
JOB = {
    "space": "nasbench201",
    "settings": {"channels": 4, "cells": 1},
    "architectures": [1, 2, 3],
    "format": "nats_tss_index",
}


@dataclass(frozen=True)
class Secured:
    """A server behind TLS, and who signed its certificate."""

    guarded: Guarded
    port: int
    authority: Path

    def url(self, user: str, authority: Path | None, host: str = "localhost") -> str:
        trusted = "" if authority is None else f"?ssl_ca_certs={authority}"
        return f"rediss://{user}:{password(user)}@{host}:{self.port}/0{trusted}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    authority = Authority.made(tmp_path_factory.mktemp("authority"), "ours")
    with guarded_redis() as guarded, tls_terminator(*authority.certificate_for("localhost"), guarded.socket) as port:
        yield Secured(guarded, port, authority.certificate)


@contextmanager
def api_of(url: str) -> Iterator[httpx.Client]:
    with served(Settings(redis_url=url)) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def test_a_job_and_its_batch_go_through_tls(secured: Secured) -> None:
    api_url, worker_url = (secured.url(user, secured.authority) for user in (API, WORKER))
    with api_of(api_url) as api, odd_worker(worker_url):
        path = api.post("/v1/jobs", json=JOB).json()["links"]["self"]
        assert wait_until(lambda: api.get(path).json()["status"] == "completed", PATIENCE_S)
        assert api.get(path).json()["counts"]["scored"] == 3


def fault(url: str) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        Store(connect(url)).check_writable()
    assert "s3cret" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("named", [True, False], ids=["another authority", "no authority"])
def test_who_signed_the_certificate_matters(secured: Secured, tmp_path: Path, named: bool) -> None:
    other = Authority.made(tmp_path, "theirs").certificate if named else None
    message = fault(secured.url(WORKER, other))
    assert "certificate verify failed" in message
    assert message.endswith(
        "name the file of the authority that signed its certificate: rediss://...?ssl_ca_certs=FILE"
    )


def test_whom_the_certificate_is_for_matters(secured: Secured) -> None:
    message = fault(secured.url(WORKER, secured.authority, "127.0.0.1"))
    assert "certificate is not valid for '127.0.0.1'" in message
    assert message.endswith("use a name in the URL that its certificate is for")


def test_a_file_without_certificates_is_named(secured: Secured, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    assert fault(secured.url(WORKER, empty)).endswith("ssl_ca_certs holds no certificate in PEM format")


def test_a_worker_says_at_once_which_file_is_not_there(secured: Secured, tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    environment = {"CROZE_REDIS_URL": secured.url(WORKER, missing)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "workers.main"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"ssl_ca_certs={missing} is no file that can be read" in done.stderr
    assert "s3cret" not in done.stderr


def test_a_port_without_tls_is_called_that(secured: Secured) -> None:
    with served(Settings(redis_url=secured.guarded.url(API))) as plain:
        port = httpx.URL(plain).port
        message = fault(f"rediss://{WORKER}:{password(WORKER)}@localhost:{port}/0")
    assert message.endswith("nobody speaks TLS there; use its other port, or redis://")
