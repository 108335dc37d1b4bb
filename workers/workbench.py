"""Where a worker works: it takes a chunk of a job, has the engine score it, and records each item as it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from proxy import numerics
from proxy.data import Batch
from proxy.errors import ProxyError
from proxy.json_types import JsonObject
from proxy.proxies import get_proxy
from proxy.task import Environment, Score, ScoringTask, address
from workers import logs, tracing
from workers.costs import Costs
from workers.drain import Drain
from workers.engine_keeper import EngineKeeper, ScoringEngine
from workers.errors import (
    BatchMissing,
    EngineDied,
    EngineFailure,
    EngineSick,
    EngineStartFailed,
    EngineStopped,
    StoreError,
    StoreFull,
    StoreUnavailable,
    WorkerError,
)
from workers.leases import Lease, Leases
from workers.outcomes import failed_outcome, of_seed, outcome_of
from workers.records import TERMINAL_JOB, ItemOutcome, ItemSpec, JobSpec
from workers.reservations import Reservations
from workers.settings import WorkerSettings
from workers.store import Store, codec

#: A result in hand outlives a restart of Redis; a longer absence costs its computation.
_RECORD_PATIENCE_S: Final = 60.0
_RECORD_PAUSE_S: Final = 0.25

#: For so long chunks of one job follow each other after one ring. RQ takes a worker for dead that says nothing for
#: longer than a ring may take (`enqueue.RING_TIMEOUT_S`).
_RING_S: Final = 10.0
#: A chunk that takes longer than this many times what was planned is cut short.
_PATIENCE: Final = 2.0
#: What is open is seen as this many parts a worker, and a chunk is one of them at most.
_SHARES_PER_WORKER: Final = 2

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How an item ended, and the scores that are worth remembering, by address."""

    outcome: ItemOutcome
    keep: Mapping[str, Score] = field(default_factory=dict)
    seconds: float | None = None
    """What computing the scores took, by the engine's own account; None if the item says nothing of that."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one task gave: an item has one for each seed."""

    scores: Mapping[str, JsonObject]
    """By proxy."""
    keep: Mapping[str, Score]
    """Those that were computed, and are worth remembering, by address."""
    seconds: float | None
    """What computing them took; None if all were known."""


class _Taken(Exception):
    """Another worker computes what an item needs, for another job or another item."""


class Workbench:
    """One worker's work. Used by one thread; its heartbeat reads the public attributes from another."""

    def __init__(
        self, store: Store, engine: ScoringEngine, worker_id: str, drain: Drain, settings: WorkerSettings
    ) -> None:
        self.worker_id = worker_id
        self.drain = drain
        self.leases = Leases(store, worker_id)
        self.reservations = Reservations(store, worker_id)
        self.keeper = EngineKeeper(engine, drain, settings)
        self.scored = 0
        """Items scored since the start."""
        self.fleet_size = 1
        """Workers that are alive, as the heartbeat last heard."""
        self._store = store
        self._settings = settings
        self._costs = Costs(settings.chunk_seconds)

    def answer_ring(self, job_id: str) -> None:
        """Score one chunk of the job, and more of them as long as no other job waits: to hear a ring costs RQ some
        twenty commands, and the engine has nothing to do meanwhile.

        Raises:
            StoreError, EngineStartFailed: as for `work_on`.
        """
        until = time.monotonic() + _RING_S
        while self.work_on(job_id) and time.monotonic() < until and not self.drain.requested:
            if not self._store.jobs.is_alone(job_id):
                break

    def work_on(self, job_id: str) -> bool:
        """Score one chunk of the job. Nothing if it is gone, has ended, has no open item, or needs another release.

        Returns:
            Whether it was done: some items were claimed, and nothing came in between.

        Raises:
            StoreError: Redis is away. What is in hand is given back, by the end of its lease if need be.
            EngineStartFailed: what is in hand is given back.

        A sick engine (`workers.known_answer`) holds it up: what is in hand is given back before.
        """
        job = self._store.jobs.get(job_id)
        if job is None or job.status in TERMINAL_JOB:
            return False
        if not job.needs <= numerics.SERVES:
            # Rung by mistake: each release has a queue of its own.
            log.warning("job %s is left alone: it needs %s", job_id, ", ".join(sorted(job.needs - numerics.SERVES)))
            return False
        with logs.bound(job_id=job_id, request_id=job.spec.request_id):
            return self._work_on(job.spec, job.counts.queued)

    def _work_on(self, job: JobSpec, open_items: int) -> bool:
        if self.drain.requested:
            self._store.jobs.ring(job.id)
            return False
        limit = self._costs.chunk(job)
        if self.fleet_size > 1:
            # Smaller and smaller towards the end: no worker is left with a chunk when the others have nothing.
            limit = min(limit, max(1, open_items // (_SHARES_PER_WORKER * self.fleet_size)))
        claims = self._store.jobs.claim(job.id, self.worker_id, limit, expiries=self._settings.lease_expiries)
        if not claims:
            return False
        done = False
        span = tracing.span("chunk", "consumer", parent=job.traceparent, job=job.id, items=len(claims))
        with suppress(EngineSick), span, self.leases.holding(job.id, [claim.item.index for claim in claims]) as lease:
            # At once and at the back: idle workers join in, and other jobs come first.
            self._store.jobs.ring(job.id)
            self._work(job, [claim.item for claim in claims], lease)
            ended = len(claims) - len(lease.indexes) - lease.deferred
            log.info("job %s: %d of %d claimed items have ended", job.id, ended, len(claims))
            done = not lease.indexes and not lease.deferred
        if not self.drain.requested:
            # Now, not at the next ring: others may have taken the rest of the job, and the next one should not wait.
            with suppress(EngineStopped):
                self.keeper.recover()
        return done

    def when_idle(self) -> None:
        """Between two rings: an engine that died meanwhile is replaced now, not when somebody waits for it."""
        try:
            self.keeper.recover()
        except EngineStopped:
            pass
        except EngineStartFailed as error:
            log.error("there is no engine any more: %s", error.message)  # noqa: TRY400 (no use of a traceback)

    def _work(self, job: JobSpec, items: Iterable[ItemSpec], lease: Lease) -> None:
        self._store.batches.refresh(job.batch)
        # Items differ, and the estimate may be wrong: other jobs wait for the end of this chunk.
        deadline = time.monotonic() + _PATIENCE * self._settings.chunk_seconds
        taken = self._go_through(job, items, lease, deadline)
        # Now the others may be done with it.
        taken = self._go_through(job, taken, lease, deadline)
        if taken:
            self.leases.defer(lease, [item.index for item in taken])

    def _go_through(self, job: JobSpec, items: Iterable[ItemSpec], lease: Lease, deadline: float) -> list[ItemSpec]:
        """Work on these items, as far as that is wanted. Returns those whose scores another worker computes now."""
        taken: list[ItemSpec] = []
        for item in items:
            if not lease.wanted or self.drain.requested or time.monotonic() >= deadline:
                break
            try:
                with self.reservations.until_recorded():
                    self._work_on_item(job, item, lease)
            except _Taken:
                taken.append(item)
            except EngineStopped:
                log.info("job %s: item %d was stopped", job.id, item.index)
                break
            self.keeper.refresh()
        return taken

    def _work_on_item(self, job: JobSpec, item: ItemSpec, lease: Lease) -> None:
        with tracing.span("item", index=item.index):
            ended = self._end(job, item, lease)
            tracing.describe(outcome="open" if ended is None else ended.outcome.status)
        if ended is not None:
            self._record(job, item, ended)
            self.leases.finished(lease, item.index)
            if ended.seconds is not None:
                self._costs.learn(job, ended.seconds)

    def _end(self, job: JobSpec, item: ItemSpec, lease: Lease) -> _Ended | None:
        """How the item ended; None if it has to be tried again. Its failures end here: it fails alone.

        Raises:
            StoreError, EngineSick, EngineStartFailed, EngineStopped, _Taken: they say nothing about the item.
        """
        try:
            return self._score(job, item, lease)
        except (StoreError, EngineSick, EngineStartFailed, EngineStopped, _Taken):
            raise
        except EngineDied as error:
            deaths = self._store.jobs.blame(job.id, item.index)
            log.warning("job %s: item %d: engine death %d: %s", job.id, item.index, deaths, error.message)
            return _failed(error) if deaths >= self._settings.engine_deaths else None
        except (WorkerError, ProxyError) as error:
            log.warning("job %s: item %d failed: %s: %s", job.id, item.index, error.code, error.message)
            return _failed(error)
        except Exception as error:
            # A mistake of ours. Raised, it would come back with the item, for ever.
            log.exception("job %s: item %d failed", job.id, item.index)
            return _Ended(failed_outcome("internal_error", f"{type(error).__name__}: {error}"))

    def _score(self, job: JobSpec, item: ItemSpec, lease: Lease) -> _Ended:
        environment = self.keeper.start()
        answers: list[_Answer] = []
        for task in job.tasks(item.architecture):
            if answers:
                self._remember(answers[-1].keep)
            answers.append(self._answer(job, task, environment, lease))
        outcome = outcome_of(job, [answer.scores for answer in answers])
        # What Redis cannot hold (a NaN in a table) has to fail here, where it fails the item alone.
        codec.outcome_to_json(outcome)
        seconds = [answer.seconds for answer in answers if answer.seconds is not None]
        return _Ended(outcome, keep=answers[-1].keep, seconds=sum(seconds) if seconds else None)

    def _answer(self, job: JobSpec, task: ScoringTask, environment: Environment, lease: Lease) -> _Answer:
        addresses = {proxy: address(task, proxy, environment) for proxy in task.proxies}
        # A table of layers is not remembered, so a job that wants it is computed.
        scores = {} if task.layers else self._known(addresses)
        missing = tuple(proxy for proxy in task.proxies if proxy not in scores)
        try:
            fresh = self._compute(replace(task, proxies=missing), lease) if missing else []
        except EngineFailure as failure:
            failure.message = of_seed(job, task.seed, failure.message)
            raise
        return _Answer(
            scores | {score.proxy: score.to_json() for score in fresh},
            # A failure may be this machine's; a value is the same everywhere.
            keep={addresses[score.proxy]: replace(score, layers=None) for score in fresh if score.status == "scored"},
            seconds=sum(score.seconds for score in fresh) if fresh else None,
        )

    def _remember(self, scores: Mapping[str, Score]) -> None:
        """Write down what one of several seeds gave. Whatever happens to the next one, it need not be done again."""
        if scores:
            self._patiently("scores of an item wait to be written", lambda: self._store.scores.remember(scores))
        self.reservations.free()

    def _known(self, addresses: Mapping[str, str]) -> dict[str, JsonObject]:
        """What need not be computed; the rest is reserved for this worker."""
        # To count is cheap: nobody need wait until somebody else has done it.
        costly = [proxy for proxy in addresses if get_proxy(proxy).needs_batch]
        cheap = [proxy for proxy in addresses if proxy not in costly]
        found = self.reservations.reserve([addresses[each] for each in costly], [addresses[each] for each in cheap])
        if found is None:
            raise _Taken
        return {proxy: score for proxy, score in zip((*costly, *cheap), found, strict=True) if score is not None}

    def _compute(self, task: ScoringTask, lease: Lease) -> list[Score]:
        with tracing.span("engine", architecture=task.architecture):
            return self.keeper.score(task, self._batch, lambda: self.drain.overdue or not lease.wanted)

    def _batch(self, digest: str) -> Batch:
        batch = self._store.batches.get(digest)
        if batch is None:
            raise BatchMissing(f"batch {digest} is not kept any more; upload it again and submit the item anew")
        return batch

    def _record(self, job: JobSpec, item: ItemSpec, ended: _Ended) -> None:
        held = self.reservations.held
        first = self._patiently(
            f"job {job.id}: item {item.index} waits to be recorded",
            lambda: self._store.jobs.record(job.id, self.worker_id, item.index, ended.outcome, ended.keep, held),
        )
        if first:
            self.reservations.ended()
        self.scored += first and ended.outcome.status == "scored"

    def _patiently(self, trouble: str, write: Callable[[], T]) -> T:
        """Write it down, waiting for Redis if need be: the result in hand may have taken minutes."""
        deadline, waiting = time.monotonic() + _RECORD_PATIENCE_S, False
        while True:
            try:
                return write()
            except (StoreUnavailable, StoreFull) as error:
                if self.drain.overdue or time.monotonic() >= deadline:
                    raise
                if not waiting:
                    log.warning("%s: %s", trouble, error.message)
                waiting = True
                time.sleep(_RECORD_PAUSE_S)


def _failed(error: WorkerError | ProxyError) -> _Ended:
    return _Ended(failed_outcome(error.code, error.message))
