"""An engine without a process, for tests of what a worker makes of an engine's answers."""

from __future__ import annotations

from collections.abc import Callable

from proxy.data import Batch
from proxy.task import Environment, Score, ScoringTask
from tests.workers.jobs import ENVIRONMENT, score
from workers.errors import EngineFailure, EngineStopped

Answer = Callable[[ScoringTask], list[Score]]


def usual(task: ScoringTask) -> list[Score]:
    """One score per proxy."""
    return [score(proxy=proxy) for proxy in task.proxies]


class FakeEngine:
    """Answers as told. Like the real one it is dead after a failure that kills it, and holds no batch then."""

    def __init__(self, answer: Answer = usual) -> None:
        self.answer = answer
        self.environment: Environment = ENVIRONMENT
        self.pid = 1
        self.running = False
        self.has_ended = False
        self.starts = 0
        self.batches: set[str] = set()
        self.tasks: list[ScoringTask] = []
        self.is_told_to_stop: Callable[[], bool] = lambda: False

    def start(self, *, should_stop: Callable[[], bool] | None = None) -> Environment:
        if not self.running:
            self.running, self.has_ended = True, False
            self.starts += 1
        return self.environment

    def has_batch(self, digest: str) -> bool:
        return digest in self.batches

    def load_batch(self, batch: Batch) -> None:
        self.batches.add(batch.digest)

    def score(
        self, task: ScoringTask, *, timeout: float | None = None, should_stop: Callable[[], bool] | None = None
    ) -> list[Score]:
        assert self.running
        assert self.has_batch(task.batch)
        self.tasks.append(task)
        self.is_told_to_stop = should_stop or self.is_told_to_stop
        try:
            scores = self.answer(task)
            if self.is_told_to_stop():
                raise EngineStopped("stopped")
        except EngineFailure as failure:
            if failure.code in ("engine_crashed", "timeout", "stopped"):
                self.close()
            raise
        return scores

    def close(self) -> None:
        self.running = self.has_ended = False
        self.batches.clear()
