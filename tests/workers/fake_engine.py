"""An engine without a process, for tests of what a worker makes of an engine's answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from proxy.data import Batch
from proxy.task import Environment, Score, ScoringTask
from tests.workers.jobs import ENVIRONMENT, score
from workers import known_answer
from workers.errors import EngineFailure, EngineOutOfMemory, EngineStopped

Answer = Callable[[ScoringTask], list[Score]]


def usual(task: ScoringTask) -> list[Score]:
    """One score per proxy."""
    return [score(proxy=proxy) for proxy in task.proxies]


def rightly(task: ScoringTask) -> list[Score]:
    """The known answer."""
    value = next(known.value for known in known_answer.KNOWN if known.precision == task.precision)
    return [replace(score(value), precision=task.precision)]


class FakeEngine:
    """Answers as told. Like the real one it is dead after a failure that kills it, and holds no batch then.

    What it makes of the known-answer test is told apart from the rest, and not in `tasks`.
    """

    def __init__(self, answer: Answer = usual) -> None:
        self.answer = answer
        self.answer_test: Answer = rightly
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
        answer = self.answer_test
        if task.batch != known_answer.batch().digest:
            self.tasks.append(task)
            answer = self.answer
            self.is_told_to_stop = should_stop or self.is_told_to_stop
        try:
            scores = answer(task)
            if self.is_told_to_stop():
                raise EngineStopped("stopped")
        except EngineFailure as failure:
            if failure.code in ("engine_crashed", "timeout", "stopped") or isinstance(failure, EngineOutOfMemory):
                self.close()
            raise
        return scores

    def close(self) -> None:
        self.running = self.has_ended = False
        self.batches.clear()
