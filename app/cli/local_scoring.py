"""`croze score --local`: the same engine processes as the service's workers, one per core, without Redis or API."""

from __future__ import annotations

import os
from collections.abc import Generator, Hashable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from app.cli.errors import CommandError, UsageError
from app.cli.scoring_request import ScoringOptions, ScoringRequest, check_settings
from app.jobs.views import item_json
from app.settings import Settings
from proxy.data import check_labels, load_batch, read_npz
from proxy.data.spec import Batch
from proxy.errors import ProxyError, TooLarge
from proxy.json_types import JsonObject
from proxy.proxies import peak_memory
from proxy.task import Score, ScoringTask, identity
from workers.engine_pool import EnginePool
from workers.errors import EngineFailure, EngineSick, EngineStartFailed
from workers.outcomes import failed_outcome, of_seed, outcome_of
from workers.records import Item, ItemOutcome, ItemSpec, JobSpec


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine's inside a container or under taskset."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class LocalScoring:
    """A request with its batch, ready to be scored on this machine."""

    request: ScoringRequest
    batch: Batch
    settings: dict[str, int]

    @classmethod
    def prepare(cls, request: ScoringRequest) -> LocalScoring:
        """Load the batch and check all that depends on it.

        Raises:
            UsageError: the batch, the settings, or an architecture's need of memory.
        """
        batch = load(request.options)
        settings = check_settings(request.space, request.options.settings, batch.classes)
        _check_fit(request, batch, settings)
        return cls(request, batch, settings)

    @property
    def engines(self) -> int:
        """One per core, and no more than there is work for."""
        return max(1, min(usable_cores(), len(self.request.entries) * len(self.request.options.seeds)))

    def items(self, pool: EnginePool | None = None) -> Generator[JsonObject]:
        """Every item, as it finishes.

        Args:
            pool: engines to use, which stay. None: engines of its own, which end with the iteration.

        Raises:
            CommandError: no engine can be started.
        """
        job = self._job()
        groups = _with_the_same_scores([job.tasks(self._scored(index)) for index in range(len(self.request.entries))])
        tasks = [(group, task) for group in groups for task in group.tasks]
        try:
            with nullcontext(pool) if pool else EnginePool(self.engines) as engines:
                for position, result in engines.score([task for _, task in tasks], self.batch):
                    group, task = tasks[position]
                    group.results[task.seed] = result
                    if len(group.results) == len(group.tasks):
                        yield from self._items(job, group)
        except EngineStartFailed as error:
            raise CommandError(
                f"no engine can be started: {error.message}", ["`croze doctor` shows what is missing"]
            ) from error
        except EngineSick as error:
            raise CommandError(
                f"this machine computes wrong scores: {error.message}", ["another release of torch may do better"]
            ) from error

    def _items(self, job: JobSpec, group: _Group) -> Iterator[JsonObject]:
        first, *others = group.positions
        yield self._item(job, first, _outcome(job, group))
        for index in others:
            yield self._item(job, index, _outcome(job, group, known=True))

    def _item(self, job: JobSpec, index: int, outcome: ItemOutcome) -> JsonObject:
        """The item as the service would give it."""
        entry, space = self.request.entries[index], self.request.space
        counts = space.counts(entry.architecture, self.settings, self.batch.image)
        first, isomorphic = self.request.firsts[index], self.request.options.dedupe == "isomorphic"
        spec = ItemSpec(
            index=index,
            id=entry.id,
            architecture=self._scored(index),
            sent=entry.architecture.canonical if isomorphic and index != first else None,
            representative=first if isomorphic else None,
            format=entry.format,
            params=counts.params,
            macs=counts.macs,
            facts=space.facts(entry.architecture),
        )
        return item_json(Item(spec=spec, status=outcome.status, outcome=outcome), job)

    def _scored(self, index: int) -> str:
        """Canonical form of the architecture that is scored for an entry."""
        return self.request.entries[self.request.firsts[index]].architecture.canonical

    def _job(self) -> JobSpec:
        """The request as the job it would be."""
        options = self.request.options
        return JobSpec(
            id="local",
            space=self.request.space.name,
            settings=self.settings,
            proxies=options.proxies,
            seed=options.seeds[0],
            seeds=options.seeds[1:] and options.seeds,
            batch=self.batch.digest,
            batch_name=self.batch.name,
            precision=options.precision,
            layers=options.layers,
            dedupe=options.dedupe,
        )


@dataclass(frozen=True, slots=True)
class _Group:
    """Architectures with the same scores, and what was computed for them."""

    tasks: Sequence[ScoringTask]
    """One for each seed."""
    positions: list[int]
    results: dict[int, list[Score] | EngineFailure] = field(default_factory=dict)
    """By seed."""


def _with_the_same_scores(asked: Sequence[Sequence[ScoringTask]]) -> list[_Group]:
    """What is asked for, each different thing once, with the positions at which it is asked for."""
    groups: dict[Hashable, _Group] = {}
    for position, tasks in enumerate(asked):
        # Names of layers are an architecture's own.
        key = position if tasks[0].layers else identity(tasks[0])
        groups.setdefault(key, _Group(tasks, [])).positions.append(position)
    return [*groups.values()]


def _outcome(job: JobSpec, group: _Group, *, known: bool = False) -> ItemOutcome:
    """How the items of a group ended; `known`: those after the first."""
    answers = []
    for task in group.tasks:
        result = group.results[task.seed]
        if isinstance(result, EngineFailure):
            return failed_outcome(result.code, of_seed(job, task.seed, result.message))
        answers.append({score.proxy: (replace(score, cached=True) if known else score).to_json() for score in result})
    return outcome_of(job, answers)


def load(options: ScoringOptions) -> Batch:
    """The images.

    Raises:
        UsageError: they cannot be read.
    """
    try:
        if options.batch_file:
            return read_npz(options.batch_file.read_bytes(), name=options.batch_file.name)
        return load_batch(options.batch, data_dir=Settings().data_dir)
    except ProxyError as error:
        raise UsageError(error.message, list(map(str, error.faults))) from error
    except OSError as error:
        raise UsageError(f"cannot read {options.batch}: {error.strerror}") from error


def _check_fit(request: ScoringRequest, batch: Batch, settings: dict[str, int]) -> None:
    """Labels below the number of classes, and networks that fit into memory."""
    try:
        check_labels(batch, settings["classes"])
    except ProxyError as error:
        raise UsageError(error.message, list(map(str, error.faults))) from error
    limit, times = Settings().memory_limit, peak_memory(request.options.proxies)
    for entry in request.entries:
        try:
            request.space.check_memory(
                entry.architecture, settings, batch.image, images=batch.size, limit=limit, times=times
            )
        except TooLarge as error:
            raise UsageError(f"{entry.where}: {error.message}", ["CROZE_MEMORY_LIMIT sets the limit"]) from error
