"""A Redis that does its TLS itself, set up by the commands and the configuration of docs/many-machines.md alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
import redis as redis_driver
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, RedisError

from app.settings import Settings
from tests.app.conftest import served
from tests.app.test_secrets import free_port
from tests.workers.guarded_redis import ADMIN, API, USERS, WORKER
from tests.workers.odd_worker import odd_worker
from tests.workers.processes import wait_until
from tests.workers.scoring import ROOT
from tests.workers.test_redis_acl import ADMINISTRATION, BODY, FOREIGN
from tests.workers.tls_terminator import Authority
from workers import keys
from workers.settings import connect
from workers.store import Store

PATIENCE_S: Final = 120.0
SERVER: Final = shutil.which("valkey-server") or shutil.which("redis-server")
_BLOCKS: Final = re.findall(
    r"```\w+\n(.*?)```", (Path(ROOT) / "docs" / "many-machines.md").read_text("utf-8"), re.DOTALL
)
#: User -> the name of the file with the password.
_FILES: Final = {ADMIN: "ADMIN", API: "API", WORKER: "WORKER"}


def why_not() -> str | None:
    if SERVER is None:
        return "neither valkey-server nor redis-server is on PATH (the one that we bundle speaks no TLS)"
    if not all(map(shutil.which, ("openssl", "sha256sum"))):
        return "no openssl, or no sha256sum"
    told = subprocess.run([SERVER, "--tls-port", "x"], capture_output=True, text=True, timeout=60, check=False)
    return "built without TLS" if re.search("Bad directive|disabled", told.stdout + told.stderr) else None


_REASON: Final = why_not()
pytestmark = pytest.mark.skipif(_REASON is not None, reason=_REASON or "")


def block(word: str) -> str:
    """The only listing of the page with this word."""
    (found,) = (text for text in _BLOCKS if word in text)
    return str(found)


@dataclass(frozen=True)
class Documented:
    folder: Path
    port: int

    def url(self, user: str) -> str:
        password = (self.folder / f"{_FILES[user]}.password").read_text().strip()
        return f"rediss://{user}:{password}@localhost:{self.port}/0?ssl_ca_certs={self.folder}/ca.pem"

    def client(self, user: str) -> redis_driver.Redis:
        return redis_driver.Redis.from_url(self.url(user), protocol=2)

    def answers(self) -> bool:
        try:
            with self.client(ADMIN) as admin:
                return bool(admin.ping())
        except RedisConnectionError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documented]:
    made = Documented(tmp_path_factory.mktemp("redis"), free_port())
    authority = Authority.made(made.folder, "ca")
    for file, name in zip(authority.certificate_for("localhost"), ("server.pem", "server.key"), strict=True):
        file.rename(made.folder / name)
    commands = block("SHA256_OF_").replace("docker/redis/users.acl", str(USERS))
    subprocess.run(["/bin/sh", "-euc", commands], cwd=made.folder, check=True, timeout=60)
    config = block("tls-cert-file").replace("/etc/redis", str(made.folder)).replace("6380", str(made.port))
    (made.folder / "redis.conf").write_text(f"{config}dir {made.folder}\nbind 127.0.0.1\n")
    with (
        (made.folder / "log").open("wb") as log,
        subprocess.Popen([str(SERVER), made.folder / "redis.conf"], stdout=log, stderr=log) as process,
    ):
        try:
            assert wait_until(made.answers, PATIENCE_S), (made.folder / "log").read_text()
            yield made
        finally:
            process.terminate()


def test_a_job_goes_through(server: Documented) -> None:
    with (
        served(Settings(redis_url=server.url(API))) as url,
        httpx.Client(base_url=url, timeout=60) as api,
        odd_worker(server.url(WORKER)),
    ):
        path = api.post("/v1/jobs", json=BODY).json()["links"]["self"]
        assert wait_until(lambda: api.get(path).json()["status"] == "completed", PATIENCE_S)
        assert api.get(path).json()["counts"]["scored"] == len(BODY["architectures"])
    with server.client(ADMIN) as admin:
        refused = {str(entry["object"]) for entry in admin.acl_log()}
    assert refused <= {"client|setinfo"}


@pytest.mark.parametrize("user", [API, WORKER])
def test_users_may_do_nothing_else(server: Documented, user: str) -> None:
    with server.client(user) as client:
        for command in [*FOREIGN, *ADMINISTRATION]:
            with pytest.raises(RedisError, match=r"(?i)no permissions|can't (run this command|access at least)"):
                client.execute_command(*command)


def test_a_worker_cannot_read_keys_of_the_api(server: Documented) -> None:
    with connect(server.url(API)) as connection:
        Store(connection).api_keys.add("alice", "user")
    with server.client(WORKER) as client, pytest.raises(NoPermissionError):
        client.hgetall(keys.API_KEYS)


def test_nobody_comes_in_without_tls_or_without_a_name(server: Documented) -> None:
    with redis_driver.Redis(port=server.port) as plain, pytest.raises(RedisError):
        plain.ping()
    with (
        redis_driver.Redis(port=server.port, ssl=True, ssl_ca_certs=f"{server.folder}/ca.pem", protocol=2) as none,
        pytest.raises(RedisError, match="Authentication required"),
    ):
        none.ping()
