"""[T] Scores tasks: the one entrance to the heavy half of this package."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

import torch

from proxy._resolve import resolve
from proxy.data.spec import Batch
from proxy.determinism import scoring_mode
from proxy.devices import environment_of, pick_device
from proxy.errors import NonFinite, RangeLost, ScoreUndefined, is_out_of_memory
from proxy.precision import WIDEST_PRECISION, check_precision
from proxy.proxies import get_proxy
from proxy.proxies._base import Proxy, ProxyResult
from proxy.subject import BatchTensors, Subject
from proxy.task import Score, ScoringTask

#: Batches kept on the device. A scorer sees one at a time, and a few in turn.
BATCHES_KEPT = 4


class Scorer:
    """Scores one task after the other, and keeps what they share: weights and batches."""

    def __init__(self, device: torch.device | None = None) -> None:
        self._device = pick_device() if device is None else device
        self.environment = environment_of(self._device)
        self._tensors: OrderedDict[tuple[str, str], BatchTensors] = OrderedDict()

    def score(self, task: ScoringTask, batch: Batch) -> list[Score]:
        """One score per proxy of the task, in its order. A score that does not exist has status "failed".

        Raises:
            ProxyError: the task should never have been accepted: it names something that does not exist.
        """
        assert batch.digest == task.batch, f"task wants batch {task.batch}, got {batch.digest}"
        proxies = [get_proxy(name) for name in task.proxies]
        found: dict[str, Score] = {}
        with scoring_mode(self._device):
            subject = Subject(task, batch, self._on_device(batch, check_precision(task.precision)))
            # First those that share a pass, so that it is gone before the others need memory.
            for proxy in sorted(proxies, key=lambda proxy: not proxy.shares_pass):
                if not proxy.shares_pass:
                    subject.forget_passes()
                found[proxy.name] = self._score_one(task, proxy, subject, batch)
        return [found[name] for name in task.proxies]

    def _on_device(self, batch: Batch, precision: str) -> BatchTensors:
        key = (batch.digest, precision)
        if key not in self._tensors:
            self._tensors[key] = BatchTensors.of(batch, self._device, getattr(torch, precision))
        self._tensors.move_to_end(key)
        while len(self._tensors) > BATCHES_KEPT:
            self._tensors.popitem(last=False)
        return self._tensors[key]

    def _score_one(self, task: ScoringTask, proxy: Proxy, subject: Subject, batch: Batch) -> Score:
        started = time.perf_counter()
        result: ProxyResult | None = None
        computed_in, error = WIDEST_PRECISION if proxy.always_double else task.precision, None
        try:
            result = _value_in_range(proxy, subject.on(self._on_device(batch, computed_in)), computed_in)
            if result is None:
                computed_in = WIDEST_PRECISION
                result = _value(proxy, subject.on(self._on_device(batch, computed_in)))
        except ScoreUndefined as undefined:
            error = {"code": undefined.code, "message": undefined.message}
        except Exception as exception:
            if not is_out_of_memory(exception):
                raise
            message = "the device's memory ran out; use fewer channels, cells or layers, or a smaller batch"
            error = {"code": "out_of_memory", "message": message}
        return Score(
            proxy=proxy.name,
            status="failed" if result is None else "scored",
            value=None if result is None else result.value,
            direction=proxy.direction,
            components={} if result is None else result.components,
            batch=task.batch if proxy.needs_batch else None,
            seed=task.seed if proxy.needs_batch else None,
            precision=task.precision if proxy.needs_batch else None,
            computed_in=computed_in if proxy.needs_batch else None,
            revision=proxy.revision,
            environment=self.environment,
            seconds=time.perf_counter() - started,
            error=error,
            layers=tuple(result.layer_table()) if result is not None and task.layers else None,
        )


def _value_in_range(proxy: Proxy, subject: Subject, precision: str) -> ProxyResult | None:
    """What the proxy says in that precision; None if a wider one may do better.

    None, so that nothing is computed anew while the exception is handled: it holds all tensors of the first attempt.

    Raises:
        ScoreUndefined: it has no finite value.
    """
    try:
        return _value(proxy, subject)
    except RangeLost:
        if precision == WIDEST_PRECISION:
            raise
        return None


def _value(proxy: Proxy, subject: Subject) -> ProxyResult:
    """What the proxy says.

    Raises:
        ScoreUndefined: it has no finite value.
    """
    result: ProxyResult = resolve(proxy.compute)(subject)
    numbers = (result.value, *result.components.values())
    if not all(math.isfinite(number) for number in numbers):
        raise NonFinite(f"the score is not a finite number: {result.value}")
    return result
