"""Where `croze up` keeps its state, and who holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.cli.errors import CommandError
from workers.folder_lock import FolderLock, Holder

_LOCK: Final = "up.lock"


def default_data_dir() -> Path:
    """The user's own folder for state that should last ($XDG_STATE_HOME, else ~/.local/state)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "croze"


def holder_of(data_dir: Path) -> Holder | None:
    """The running `croze up` of a folder; None if there is none."""
    path = data_dir / _LOCK
    if not path.exists():
        return None
    lock = FolderLock(path)
    try:
        return None if lock.acquire() else lock.read()
    finally:
        lock.close()


def refuse_held(data_dir: Path) -> None:
    """Raises CommandError if another process holds the folder."""
    holder = holder_of(data_dir)
    if holder is not None:
        raise _in_use(data_dir, holder)


@contextmanager
def held(data_dir: Path, url: str) -> Iterator[None]:
    """Hold the folder for this process.

    Raises:
        CommandError: another process holds it, or the folder cannot be used.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FolderLock(data_dir / _LOCK)
    except OSError as error:
        raise CommandError(f"cannot use data folder {data_dir}: {error.strerror}") from error
    try:
        if not lock.acquire():
            raise _in_use(data_dir, lock.read())
        lock.write(Holder(pid=os.getpid(), url=url))
        yield
    finally:
        lock.close()


def _in_use(data_dir: Path, holder: Holder) -> CommandError:
    who = f"process {holder.pid}, which serves {holder.url}" if holder.pid else "another process"
    return CommandError(
        f"data folder {data_dir} is in use by {who}",
        ["use that service, stop it (Ctrl-C there), or name another folder with --data-dir"],
    )
