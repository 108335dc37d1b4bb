"""The real server with the users of docker/redis/users.acl, as docs/many-machines.md sets it up."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis as redis_driver

from tests.workers.processes import wait_until
from tests.workers.scoring import ROOT
from workers.embedded_redis import find_server
from workers.tether import tethered

USERS: Final = Path(ROOT) / "docker" / "redis" / "users.acl"
API, WORKER, ADMIN = "croze-api", "croze-worker", "admin"
_START_S: Final = 60.0


@dataclass(frozen=True)
class Guarded:
    """A server that lets nobody in without a name and a password."""

    socket: Path

    def url(self, user: str) -> str:
        return f"unix://{user}:{password(user)}@{self.socket}"

    def client(self, user: str) -> redis_driver.Redis:
        return redis_driver.Redis.from_url(self.url(user), protocol=2)

    def refused(self) -> set[str]:
        """What users were refused so far: commands, and keys."""
        with self.client(ADMIN) as admin:
            entries = admin.acl_log()
        assert isinstance(entries, list)
        return {f"{entry['username']}: {entry['object']}" for entry in entries}


def password(user: str) -> str:
    """With all that has to be escaped in a URL left out: `redis-cli` and logs are not what is tested here."""
    return f"{user}-s3cret"


def acl() -> str:
    """The shipped file with digests of passwords for its placeholders."""

    def digest(match: re.Match[str]) -> str:
        user = {"ADMIN": ADMIN, "API": API, "WORKER": WORKER}[match[1]]
        return hashlib.sha256(password(user).encode()).hexdigest()

    return re.sub(r"SHA256_OF_([A-Z]+)_PASSWORD", digest, USERS.read_text("utf-8"))


@contextmanager
def guarded_redis(*options: str, within: Sequence[str] = ()) -> Iterator[Guarded]:
    """Runs it, and ends it. `options` are the server's own, e.g. to listen to a network as well; `within` is a command
    that runs another one."""
    # Not pytest's own folder: a socket's path is at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="croze-acl-") as name:
        folder = Path(name)
        (folder / "users.acl").write_text(acl(), "utf-8")
        guarded = Guarded(folder / "r.sock")
        command = [
            *within, str(find_server()), "--port", "0", "--unixsocket", str(guarded.socket), "--dir", name,
            "--save", "", "--appendonly", "yes", "--aclfile", str(folder / "users.acl"), *options,
        ]  # fmt: skip
        with (folder / "log").open("wb") as log, subprocess.Popen(tethered(command), stdout=log, stderr=log) as server:
            try:
                assert wait_until(lambda: _answers(guarded), _START_S), (folder / "log").read_text()
                yield guarded
            finally:
                server.terminate()
                server.wait(30)


def _answers(guarded: Guarded) -> bool:
    with suppress(redis_driver.RedisError), guarded.client(ADMIN) as admin:
        return bool(admin.ping())
    return False
