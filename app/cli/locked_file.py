"""A file of items, one a line, that one process at a time adds to, and that may be cut off at any byte."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.cli.errors import CommandError, UsageError

#: How each line begins.
HEAD: Final = b'{"index": '


def may_be_torn(line: bytes) -> bool:
    """Whether a line without an end can be one that we began to write."""
    written = line.rstrip(b"\0")  # blocks that a power cut kept from being filled
    return written.startswith(HEAD) or HEAD.startswith(written)


def open_locked(path: Path) -> int:
    """A descriptor that appends, and that holds the only lock on what is at `path` now. The file is made if need be.

    Raises:
        UsageError: another process has it, or it cannot be written to.
    """
    try:
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            try:
                if _lock(descriptor, path):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    except BlockingIOError as error:
        raise UsageError(f"{path} is being written to by another process", ["name another file, or wait"]) from error
    except OSError as error:
        raise UsageError(f"cannot write to {path}: {error.strerror}") from error


def _lock(descriptor: int, path: Path) -> bool:
    """False if another process has just put its sorted file in the place of this one."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise UsageError(f"{path} is no regular file; name one that can be read again")
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return os.path.samestat(os.fstat(descriptor), path.stat())


@contextmanager
def told(what: str) -> Iterator[None]:
    """Tells people what failed, and why.

    Raises:
        CommandError: the system refuses what is done within.
    """
    try:
        yield
    except OSError as error:
        raise CommandError(f"{what}: {error.strerror}") from error


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it: it is with the system when this returns."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
