"""A service for one benchmark: a Redis server, the API and workers as `croze up` starts them, in an own folder."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.cli.local_service import LocalService, listening
from app.cli.supervisor import Death


@contextmanager
def own_service(workers: int) -> Iterator[LocalService]:
    """The service, once it is ready. Ended, and its folder removed, with the block."""
    for name in ("REDIS_URL", "CROZE_REDIS_URL"):
        os.environ.pop(name, None)  # what is measured is measured on a server that nobody else uses
    with tempfile.TemporaryDirectory(prefix="croze-bench-") as folder, listening(0) as socket:
        service = LocalService(Path(folder), socket, workers, _report)
        service.start()
        try:
            missing = service.wait_until_ready(given_up=lambda: False)
            if missing:
                raise SystemExit(f"the service did not start: {missing}")
            yield service
        finally:
            service.supervisor.stop(threading.Event())


def _report(death: Death) -> None:
    sys.stderr.write(f"{death.child.name} ended: {death.ending}; this run measures nothing\n")
