"""Keeps one engine fit for work: alive, right about what is known, and not grown beyond measure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from proxy.data import Batch
from proxy.task import Environment, Score, ScoringTask
from workers import known_answer
from workers.drain import Drain
from workers.errors import EngineDied, EngineSick, EngineStartFailed, TaskFailed
from workers.process_memory import resident_bytes
from workers.recycling import Wear
from workers.settings import WorkerSettings

#: Pauses between two fresh engines, while none gives the known answer.
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
#: How often it is seen, in such a pause, that the worker is to end.
_LOOK_S: Final = 0.1

log = logging.getLogger(__name__)


class ScoringEngine(Protocol):
    """What is used of `workers.engine.Engine`."""

    @property
    def environment(self) -> Environment: ...
    @property
    def pid(self) -> int: ...
    @property
    def running(self) -> bool: ...
    @property
    def has_ended(self) -> bool: ...
    def start(self, *, should_stop: Callable[[], bool] | None = None) -> Environment: ...
    def has_batch(self, digest: str) -> bool: ...
    def load_batch(self, batch: Batch) -> None: ...
    def score(
        self, task: ScoringTask, *, timeout: float | None = None, should_stop: Callable[[], bool] | None = None
    ) -> list[Score]: ...
    def close(self) -> None: ...


class EngineKeeper:
    """Used by one thread; its heartbeat reads the public attributes from another."""

    def __init__(self, engine: ScoringEngine, drain: Drain, settings: WorkerSettings) -> None:
        self.environment: Environment | None = None
        """Where the engine computes; None until it was first ready."""
        self.pid: int | None = None
        """None while no engine process runs."""
        self.starts = 0
        """Engines that became ready since the worker's start."""
        self.sick = False
        """Whether the last engine did not give the known answer. This worker takes no work then."""
        self.broken = False
        """Whether there is no engine, and none to be had."""
        self._engine = engine
        self._drain = drain
        self._settings = settings
        self._wear = Wear(settings)

    @property
    def restarts(self) -> int:
        """Engines that became ready, but for the first."""
        return max(0, self.starts - 1)

    @property
    def memory(self) -> int | None:
        """Bytes that the engine's process holds now; None while none runs, or where the system does not say."""
        pid = self.pid
        return None if pid is None else resident_bytes(pid)

    def start(self) -> Environment:
        """Have a live engine that gave the known answer. Does nothing if there is one. Returns where it computes.

        Raises:
            EngineSick: there is one, and its answer was wrong; it was ended.
            EngineStartFailed: there is none to be had; this worker drains.
            EngineStopped: the worker was told to end.
        """
        if self._engine.has_ended:
            # It died between two items: nobody's fault.
            self._end()
        if not self._engine.running:
            self._start_fresh()
        return self._engine.environment

    def recover(self) -> None:
        """`start`, again and again until an engine gives the known answer, or the worker is to end.

        Raises:
            EngineStartFailed, EngineStopped: as for `start`.
        """
        pause = _FIRST_PAUSE_S
        while not self._drain.requested:
            with suppress(EngineSick):
                self.start()
                return
            log.error("no work is taken until an engine gives the known answer; the next is tried in %g s", pause)
            self._wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def refresh(self) -> None:
        """Between two items: end the engine if it is worn. The next `start` is a fresh one."""
        if self._engine.running and not self._engine.has_ended:
            reason = self._wear.reason_to_replace(self.memory)
            if reason is not None:
                log.info("engine %s is replaced: %s", self.pid, reason)
                self._end()

    def score(
        self, task: ScoringTask, fetch_batch: Callable[[str], Batch], should_stop: Callable[[], bool]
    ) -> list[Score]:
        """Scores of one architecture, in the live engine. `fetch_batch` is called if it lacks the task's batch.

        Raises:
            EngineDied, EngineTimeout, EngineOutOfMemory, EngineStopped, TaskFailed: as for `Engine.score`.
        """
        self._wear.count_item()
        try:
            if not self._engine.has_batch(task.batch):
                self._engine.load_batch(fetch_batch(task.batch))
            return self._engine.score(task, timeout=self._settings.item_timeout, should_stop=should_stop)
        except TaskFailed as error:
            if error.code == "internal_error":
                self._doubt(error)
            raise
        finally:
            if not self._engine.running:
                self.pid = None

    def _start_fresh(self) -> None:
        try:
            self.environment = self._spawn()
        except EngineStartFailed:
            self.broken = True
            self._drain.request()
            raise
        try:
            known_answer.check(self._engine, lambda: self._drain.overdue)
        except EngineSick as error:
            self.sick = True
            log.error("engine %s is sick: %s", self._engine_name(), error.message)  # noqa: TRY400 (no use of a traceback)
            self._end()
            raise
        self.pid, self.sick = self._engine.pid, False
        self.starts += 1
        self._wear = Wear(self._settings, self.memory)

    def _spawn(self) -> Environment:
        """Twice, if the first one ended: it may have been killed, which says nothing about the next."""
        try:
            return self._engine.start(should_stop=lambda: self._drain.overdue)
        except EngineStartFailed as error:
            if not isinstance(error.__cause__, EngineDied):
                raise
            log.warning("tried once more: %s", error.message.partition("\n")[0])
            return self._engine.start(should_stop=lambda: self._drain.overdue)

    def _doubt(self, failure: TaskFailed) -> None:
        """A mistake in the code fails one task. A device that has broken down fails them all, and no task is to blame.

        Raises:
            EngineDied: it has, and was ended.
        """
        try:
            known_answer.check(self._engine, lambda: self._drain.overdue)
        except EngineSick as sick:
            self._engine.close()
            raise EngineDied(f"the engine broke down ({failure.message}) and was killed: {sick.message}") from failure

    def _end(self) -> None:
        self._engine.close()
        self.pid = None

    def _engine_name(self) -> str:
        return str(self._engine.pid) if self._engine.running else "that died"

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._drain.requested:
            time.sleep(_LOOK_S)
