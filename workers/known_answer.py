"""A small task whose scores are known: what an engine has to get right before it is given anybody's work.

A device that computes wrong numbers, or none, would otherwise drain the queue: it is always the first to be done.
It takes some 20 ms in each precision, besides what any first task costs an engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

from proxy.data import Batch, load_batch
from proxy.spaces import get_space
from proxy.task import Score, ScoringTask
from workers.errors import EngineDied, EngineOutOfMemory, EngineSick, EngineTimeout, TaskFailed

#: The first kernels of a device are loaded from disk.
TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Known:
    """What one precision has to give for the proxy `croze`."""

    precision: str
    value: float
    tolerance: float
    """Relative. Far above what processors and releases of torch differ by, far below what a fault does."""


#: The value in float64 is that of `proxy.reference`, which shares no code with the engine: tested.
KNOWN: Final = (
    Known("float64", 19585197.19708474, 1e-9),
    Known("float32", 19585197.19708474, 1e-4),
)

_CELL: Final = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|"


class Asked(Protocol):
    """What is used of `workers.engine.Engine`."""

    def has_batch(self, digest: str) -> bool: ...
    def load_batch(self, batch: Batch) -> None: ...
    def score(
        self, task: ScoringTask, *, timeout: float | None = None, should_stop: Callable[[], bool] | None = None
    ) -> list[Score]: ...


@cache
def batch() -> Batch:
    """Two images of 8 x 8."""
    return load_batch("synthetic:seed=0,size=8[0:2]")


def task(precision: str) -> ScoringTask:
    """A network of every operation: convolutions, pooling, skips and sums, with a reduction in between."""
    return ScoringTask(
        space="nasbench201",
        architecture=_CELL,
        settings=get_space("nasbench201").complete_settings({"channels": 4, "cells": 1}, batch().classes),
        proxies=("croze",),
        batch=batch().digest,
        precision=precision,
    )


def check(engine: Asked, should_stop: Callable[[], bool] | None = None) -> None:
    """Have a live engine score the task.

    Raises:
        EngineSick: its answer is wrong, or none came. It may live or not.
        EngineStopped: `should_stop` said so.
    """
    for known in KNOWN:
        try:
            if not engine.has_batch(batch().digest):
                engine.load_batch(batch())
            (score,) = engine.score(task(known.precision), timeout=TIMEOUT_S, should_stop=should_stop)
        except (TaskFailed, EngineDied, EngineTimeout, EngineOutOfMemory) as error:
            raise EngineSick(f"{_expected(known)}, and the engine failed: {error.code}: {error.message}") from error
        if score.value is None or not math.isclose(score.value, known.value, rel_tol=known.tolerance):
            got = score.value if score.error is None else score.error
            raise EngineSick(f"{_expected(known)}, and the engine gave {got}")


def _expected(known: Known) -> str:
    return f"the known answer in {known.precision} is {known.value!r} within {known.tolerance:g} of it"
