"""The thread that says a worker is alive: it renews leases, beats, and has its turn at reconciling.

A thread of its own, because the one that works is busy with one item for as long as that takes: a live slow item
must never look dead.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from proxy.numerics import REVISION
from workers import keys
from workers.errors import StoreError
from workers.health import HealthNote
from workers.reconciler import Reconciler
from workers.records import WorkerRecord, WorkerState
from workers.store import Store
from workers.workbench import Workbench

#: How soon the end of a job is noticed: with the engine's own pause, a canceled item stops in under a second.
CHECK_S: Final = 0.5
_CHECKS_PER_BEAT: Final = round(keys.HEARTBEAT_S / CHECK_S)

log = logging.getLogger(__name__)


class Heartbeat:
    """Beats while the `with` block runs. Redis being away only delays it."""

    def __init__(
        self, store: Store, workbench: Workbench, reconciler: Reconciler, note: HealthNote | None = None
    ) -> None:
        self._store = store
        self._note = note or HealthNote(None)
        self._workbench = workbench
        self._reconciler = reconciler
        self._host = socket.gethostname()
        self._started_at: float | None = None
        self._failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(keys.LEASE_S)
        self._attempt(lambda: self._store.fleet.leave(self._workbench.worker_id))

    def _run(self) -> None:
        checks = 0
        while not self._stopping.is_set():
            if checks % _CHECKS_PER_BEAT == 0:
                bench = self._workbench
                for step in (bench.leases.renew, bench.reservations.renew, self._beat, self._reconciler.turn):
                    self._attempt(step)
            else:
                self._attempt(self._workbench.leases.check)
            checks += 1
            self._stopping.wait(CHECK_S)

    def _beat(self) -> None:
        if self._started_at is None:
            self._started_at = self._store.fleet.now()
        bench, state = self._workbench, self._state()
        bench.fleet_size = self._store.fleet.beat(
            WorkerRecord(
                id=bench.worker_id,
                host=self._host,
                pid=os.getpid(),
                engine_pid=bench.keeper.pid,
                environment=bench.keeper.environment,
                state=state,
                job=bench.leases.job_id,
                started_at=self._started_at,
                scored=bench.scored,
                engine_restarts=bench.keeper.restarts,
                engine_memory=bench.keeper.memory,
                numerics=REVISION,
            )
        )
        self._note.beaten(state)

    def _state(self) -> WorkerState:
        if self._workbench.drain.requested:
            return "draining"
        if self._workbench.keeper.sick:
            return "sick"
        if self._workbench.keeper.environment is None:
            return "starting"
        return "idle" if self._workbench.leases.job_id is None else "busy"

    def _attempt(self, step: Callable[[], None]) -> None:
        """Do it, and live on whatever happens: without this thread, the worker would soon look dead."""
        try:
            step()
        except StoreError as error:
            if not self._failing:
                log.warning("no heartbeat: %s", error.message)
            self._failing = True
            self._note.missed(self._state(), error.message)
        except Exception:
            log.exception("a step of the heartbeat failed")
        else:
            if self._failing:
                log.info("heartbeat is back")
            self._failing = False
