"""A worker process: `python -P -m workers.main`. Settings: `workers.settings.WorkerSettings`, from CROZE_*.

It holds one engine and never imports torch itself. SIGTERM or Ctrl-C drain it: what is not started is handed back,
the item in hand may finish within a few seconds, and the exit code is 0. It waits for Redis for as long as it takes.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import time
from typing import Final

from pydantic import ValidationError
from redis.exceptions import RedisError

from proxy.task import Environment
from workers import logs, tasks, tracing
from workers.drain import Drain
from workers.engine import Engine
from workers.errors import EngineStartFailed, EngineStopped, SchemaMismatch, StoreError, WrongDevice
from workers.health import HealthNote
from workers.heartbeat import Heartbeat
from workers.reconciler import Reconciler
from workers.settings import WorkerSettings, connect, explained
from workers.store import Store
from workers.workbench import Workbench
from workers.worker import ScoringWorker

#: Pauses between two looks for a Redis that is away.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0

EXIT_DRAINED: Final = 0
EXIT_BROKEN: Final = 1
EXIT_SETTINGS: Final = 2

log = logging.getLogger("workers.main")


def main() -> int:
    """Run until told to end. Returns the exit code."""
    try:
        settings = WorkerSettings()
        store = Store(connect(settings.redis_url))
    except ValueError as error:
        fault = explained(error) if isinstance(error, ValidationError) else f"CROZE_REDIS_URL: {error}"
        sys.stderr.write(f"croze worker: wrong setting: {fault}\n")
        return EXIT_SETTINGS
    logs.configure(settings.log_format, settings.log_level)
    tracing.configure("croze-worker")
    drain = Drain(settings.drain_seconds)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, drain.on_signal)
    with Engine(memory_limit=settings.engine_memory) as engine:
        bench = Workbench(store, engine, _new_worker_id(), drain, settings)
        return run(store, bench, settings)


def run(store: Store, bench: Workbench, settings: WorkerSettings) -> int:
    """Wait for Redis, warm the engine up, listen until drained. Returns the exit code."""
    note = HealthNote(settings.health_file)
    note.forget()
    try:
        wait_for_redis(store, bench.drain)
        tasks.install(bench)
        reconciler = Reconciler(store, bench.worker_id, settings.unserved_timeout)
        with Heartbeat(store, bench, reconciler, note):
            bench.keeper.recover()
            check_device(bench.keeper.environment, settings.require_device)
            log.info("worker %s is ready: engine %s, %s", bench.worker_id, bench.keeper.pid, bench.keeper.environment)
            listen(store, bench, settings)
    except (SchemaMismatch, EngineStartFailed, WrongDevice) as error:
        log.error("worker %s cannot work: %s", bench.worker_id, error.message)  # noqa: TRY400 (no use of a traceback)
        return EXIT_BROKEN
    except EngineStopped:
        pass
    log.info("worker %s is drained after %d items", bench.worker_id, bench.scored)
    return EXIT_BROKEN if bench.keeper.broken else EXIT_DRAINED


def check_device(found: Environment | None, required: str | None) -> None:
    """Whether the engine computes where it has to. None: there is no engine, or it may be anywhere.

    Raises:
        WrongDevice: it does not. Its scores would be right, but not come as fast as was paid for.
    """
    if found is not None and required is not None and found.device != required:
        raise WrongDevice(
            f"CROZE_REQUIRE_DEVICE is {required}, and the engine computes on {found.device}. For a GPU: a container "
            f"needs `--gpus` or docker/compose.gpu.yml, and torch a CUDA build; `nvidia-smi` shows whether the driver "
            f"works. Or unset CROZE_REQUIRE_DEVICE"
        )


def listen(store: Store, bench: Workbench, settings: WorkerSettings) -> None:
    """Answer rings until drained, across all absences of Redis."""
    while not bench.drain.requested:
        try:
            # A client of its own: RQ lengthens its time limit for commands.
            connection = connect(settings.redis_url)
            ScoringWorker(connection, bench.worker_id, bench.drain, bench.when_idle).work(logging_level=None)
        except (RedisError, OSError) as error:
            log.warning("stopped listening: %s", error)
        if not bench.drain.requested:
            time.sleep(_FIRST_PAUSE_S)
            wait_for_redis(store, bench.drain)


def wait_for_redis(store: Store, drain: Drain) -> None:
    """Return when Redis can be written to, or the worker is to end.

    Raises:
        SchemaMismatch: it belongs to a newer release: no use in waiting.
    """
    pause = _FIRST_PAUSE_S
    while not drain.requested:
        try:
            store.check_writable()
        except SchemaMismatch:
            raise
        except StoreError as error:
            log.warning("waiting for Redis: %s", error.message)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        else:
            return


def _new_worker_id() -> str:
    """Unique for ever: two lives of one process id must not hold each other's leases."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


if __name__ == "__main__":
    sys.exit(main())
