"""Nevergrad: an executor that scores what was submitted together as one job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import nevergrad as ng

from croze_client.client import Client
from croze_client.encodings import Encoding
from croze_client.objectives import Objectives
from croze_client.results import ItemResult
from croze_client.submission import Options

#: Of an architecture without a score. Nevergrad takes more than 5e20 for a mistake.
FAILED = 1e20


def parametrization(encoding: Encoding) -> ng.p.Instrumentation:
    """One choice for each variable, by name."""
    return ng.p.Instrumentation(**{each.name: ng.p.Choice(each.choices) for each in encoding.variables})


class CrozeExecutor:
    """For `optimizer.minimize(architecture, executor=CrozeExecutor(client, ...), batch_mode=True)`.

    The function that is minimised makes the architecture of its arguments; the executor turns that into a loss
    (Nevergrad minimises). Nothing is sent until a result is asked for: so what an optimiser submits together, as many
    as it has `num_workers`, is one request.
    """

    def __init__(self, client: Client, *, objective: str = "croze", **options: Unpack[Options]) -> None:
        self._wanted = Objectives.of((objective,))
        self._score = client.evaluator(**self._wanted.options(options))
        self._waiting: list[CrozeJob] = []

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> CrozeJob:
        """Returns at once."""
        job = CrozeJob(self, fn(*args, **kwargs))
        self._waiting.append(job)
        return job

    def flush(self) -> None:
        """Score all that waits. Raises CrozeError; it waits on then, and may be asked for again."""
        results = self._score([job.architecture for job in self._waiting])
        for job, result in zip(self._waiting, results, strict=True):
            job.outcome = result
        self._waiting.clear()

    def loss(self, result: ItemResult) -> float:
        (loss,) = self._wanted.losses(result, FAILED)
        return loss


class CrozeJob:
    """One architecture of an executor."""

    def __init__(self, executor: CrozeExecutor, architecture: Any) -> None:
        self.architecture = architecture
        self.outcome: ItemResult | None = None
        self._executor = executor

    def done(self) -> bool:
        if self.outcome is None:
            self._executor.flush()
        return self.outcome is not None

    def result(self) -> float:
        """The loss. Raises CrozeError if the service refuses, or is away."""
        if self.outcome is None:
            self._executor.flush()
        assert self.outcome is not None
        return self._executor.loss(self.outcome)
