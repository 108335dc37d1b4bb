"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Final

#: Of a file that was not there before.
MODE: Final = 0o644


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose content takes the place of what is at `path`, at once, when all is written and on disk.

    A link is followed. What was there stays if anything goes wrong.

    Raises:
        OSError: there is no room for a second copy, or none may be made in that folder.
    """
    target = path.resolve()
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as stream:
        copy = Path(stream.name)
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            copy.chmod(target.stat().st_mode & 0o7777 if target.exists() else MODE)
            copy.replace(target)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
