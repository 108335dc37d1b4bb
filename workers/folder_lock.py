"""A lock file: held by one open descriptor, released by the kernel when the last copy of it is closed.

So a lock never outlives its holder, however that ended. A child that inherits the descriptor holds it too.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """What the holder of a lock says of itself. Unknown while it is just about to write it."""

    pid: int | None = None
    url: str | None = None


class FolderLock:
    """An exclusive `flock` on a file, and the holder's record inside it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError if the file cannot be opened."""
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self) -> bool:
        """Take the lock if it is free; False if somebody holds it."""
        try:
            fcntl.flock(self.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def fileno(self) -> int:
        """The descriptor, to be inherited by a child that shall hold the lock too."""
        assert self._descriptor is not None, "the lock was closed"
        return self._descriptor

    def close(self) -> None:
        """Let go. The lock stays held if a child inherited the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def read(self) -> Holder:
        """The record of the present or the last holder."""
        try:
            record = json.loads(os.pread(self.fileno(), 4096, 0))
            return Holder(pid=int(record["pid"]), url=str(record["url"]))
        except (ValueError, KeyError, TypeError):
            return Holder()

    def write(self, holder: Holder) -> None:
        """Say who holds the lock. In place, so that a reader sees the old record or the new one."""
        content = json.dumps(asdict(holder)).encode().ljust(1024)
        os.pwrite(self.fileno(), content, 0)
