"""Several engines on one machine, one core each: local scoring without Redis. Torch-free."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self, TypeAlias

from proxy.data.spec import Batch
from proxy.task import Score, ScoringTask
from workers import known_answer
from workers.engine import ENGINE_COMMAND, KILL_TIMEOUT_S, POLL_S, Engine
from workers.errors import EngineDied, EngineFailure, EngineSick, EngineStartFailed, EngineStopped

Outcome: TypeAlias = list[Score] | EngineFailure

#: A thread sees the stop within `POLL_S` and then ends its engine.
JOIN_TIMEOUT_S: Final = KILL_TIMEOUT_S + 2 * POLL_S


class EnginePool:
    """Up to `size` engines, started when first needed and kept until the pool is closed.

    An engine's death is charged to the task it had in hand, and the others go on. Such a task gets one more try
    when all else is done, with no other engine alive: what died for want of memory beside its neighbours may
    well succeed by itself. What kills its engine twice has failed.
    """

    def __init__(self, size: int, command: Sequence[str] = ENGINE_COMMAND) -> None:
        assert size >= 1, f"a pool needs an engine, not {size}"
        self._size = size
        self._command = command
        self._engines: list[Engine] = []
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all engines, whatever they do."""
        self._halt()
        for engine in self._engines:
            engine.close()

    def score(self, tasks: Sequence[ScoringTask], batch: Batch) -> Iterator[tuple[int, Outcome]]:
        """Score all tasks on one batch. Yields each task's position and outcome, in order of completion.

        Closing the iterator, or an exception such as KeyboardInterrupt while it waits, kills what computes. One
        call at a time.

        Raises:
            EngineStartFailed: the engines do not start on this machine.
            EngineSick: they do, and do not give the known answer.
        """
        assert not self._threads, "one score() at a time"
        self._stop = threading.Event()
        run = _Run(tasks, batch, self._stop)
        while len(self._engines) < min(self._size, len(tasks)):
            self._engines.append(Engine(self._command))
        engines = self._engines[: len(tasks)]
        self._threads = [
            threading.Thread(target=run.work, args=(engine,), name="engine-pool", daemon=True) for engine in engines
        ]
        try:
            for thread in self._threads:
                thread.start()
            yield from run.outcomes()
            for other in self._engines[1:] if run.crashed else ():
                other.close()
            for position in run.crashed:
                yield position, run.attempt(self._engines[0], position)
        finally:
            self._halt()

    def _halt(self) -> None:
        """Kill what computes and wait for the threads."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:  # an interrupt may have come before it was started
                thread.join(JOIN_TIMEOUT_S)
        self._threads = []


class _Run:
    """What the threads of one `score` call share."""

    def __init__(self, tasks: Sequence[ScoringTask], batch: Batch, stop: threading.Event) -> None:
        self._tasks = tasks
        self._batch = batch
        self._stop = stop
        self._open: queue.SimpleQueue[int] = queue.SimpleQueue()
        for position in range(len(tasks)):
            self._open.put(position)
        self._news: queue.SimpleQueue[tuple[int, Outcome] | BaseException] = queue.SimpleQueue()
        self.crashed: list[int] = []
        """Positions of the tasks that had an engine die in hand, for another try."""

    def work(self, engine: Engine) -> None:
        """One thread: take tasks until none is left, or until the stop."""
        try:
            while not self._stop.is_set():
                position = self._open.get_nowait()
                self._news.put((position, self.attempt(engine, position)))
        except queue.Empty:
            pass
        except BaseException as error:
            self._news.put(error)

    def attempt(self, engine: Engine, position: int) -> Outcome:
        """One task's scores, or why there are none.

        Raises:
            EngineStartFailed: no engine to try with.
            EngineSick: there is one, and it does not give the known answer.
            EngineStopped: the pool was told to stop.
        """
        try:
            self._start(engine)
            if not engine.has_batch(self._batch.digest):
                engine.load_batch(self._batch)
            return engine.score(self._tasks[position], should_stop=self._stop.is_set)
        except (EngineStartFailed, EngineSick, EngineStopped):
            raise
        except EngineFailure as failure:
            return failure

    def _start(self, engine: Engine) -> None:
        if engine.running:
            return
        engine.start(should_stop=self._stop.is_set)
        try:
            known_answer.check(engine, self._stop.is_set)
        except EngineSick as sick:
            engine.close()
            if isinstance(sick.__cause__, EngineDied):  # killed, perhaps: there will be another try
                raise sick.__cause__ from None
            raise

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        """Every task's first outcome, except of those that go to `crashed`."""
        for _ in self._tasks:
            news = self._next_news()
            if isinstance(news, BaseException):
                raise news
            position, outcome = news
            if isinstance(outcome, EngineDied):
                self.crashed.append(position)
            else:
                yield position, outcome

    def _next_news(self) -> tuple[int, Outcome] | BaseException:
        """Wait in short turns: a KeyboardInterrupt that another thread received is only seen between them."""
        while True:
            try:
                return self._news.get(timeout=POLL_S)
            except queue.Empty:
                continue
