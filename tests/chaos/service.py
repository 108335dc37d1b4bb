"""`croze up` as its enemy sees it: which processes there are, and whether they are all at work."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import redis as redis_driver

from tests.app.cli.processes import Up, croze_up, descendants
from workers.errors import StoreError
from workers.folder_lock import FolderLock
from workers.settings import connect
from workers.store import Store

#: What a process of each kind has in its command line.
WORDS: Final = {
    "api": ("uvicorn",),
    "worker": ("workers.main",),
    "engine": ("workers.engine_main",),
    "redis": ("valkey-server", "redis-server"),
}
#: In the environment of everything that belongs to one service, orphans included.
_MARK: Final = "CROZE_CHAOS_MARK"


@dataclass(frozen=True)
class Service:
    """A running service and all its processes."""

    up: Up
    workers: int
    mark: str

    def pids(self, kind: str) -> set[int]:
        """Its processes of that kind."""
        return {pid for word in WORDS[kind] for pid in self.up.children(word)}

    def missing(self) -> str | None:
        """What is not at work; None if nothing is."""
        try:
            ready = httpx.get(f"{self.up.url}/readyz", timeout=5.0, trust_env=False)
            with self.redis() as redis:
                fleet = Store(redis).fleet.workers()
        except (httpx.TransportError, StoreError) as error:
            return f"{type(error).__name__}: {error}"
        if ready.status_code != 200:
            return f"the API answers {ready.status_code}"
        engines, alive = self.pids("engine"), self.pids("worker")
        at_work = [each for each in fleet if each.pid in alive and each.engine_pid in engines]
        return None if len(at_work) == self.workers else f"{len(at_work)} of {self.workers} workers are at work"

    @contextmanager
    def redis(self) -> Iterator[redis_driver.Redis]:
        """A client of its server."""
        lock = FolderLock(self.up.folder / "redis" / "owner.lock")
        url = lock.read().url
        lock.close()
        if url is None:
            raise StoreError("the server has just been started")
        with connect(url) as client:
            yield client

    def orphans(self) -> dict[int, str]:
        """Pid -> command line of everything that carries the mark and no longer belongs to it. Needs /proc."""
        ours = {self.up.process.pid, os.getpid(), *descendants(self.up.process.pid)}
        wanted, found = f"{_MARK}={self.mark}".encode(), {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if int(folder.name) not in ours and wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found


@contextmanager
def service(folder: Path, workers: int) -> Iterator[Service]:
    """Starts it, and ends it in good order."""
    mark = os.environ[_MARK] = f"{os.getpid()}-{time.monotonic_ns()}"
    try:
        with croze_up(folder, workers=workers) as up:
            yield Service(up, workers, mark)
    finally:
        del os.environ[_MARK]
