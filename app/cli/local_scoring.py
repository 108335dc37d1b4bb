"""`croze score --local`: the same engine processes as the service's workers, one per core, without Redis or API."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from app.cli.errors import CommandError, UsageError
from app.cli.scoring_request import ScoringRequest, check_settings
from app.jobs.views import item_json
from app.settings import Settings
from proxy.data import check_labels, load_batch, read_npz
from proxy.data.spec import Batch
from proxy.errors import ProxyError, TooLarge
from proxy.json_types import JsonObject
from proxy.task import Score, ScoringTask, identity
from workers.engine_pool import EnginePool
from workers.errors import EngineFailure, EngineSick, EngineStartFailed
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
        batch = _load(request)
        settings = check_settings(request.space, request.options.settings, batch.classes)
        _check_fit(request, batch, settings)
        return cls(request, batch, settings)

    @property
    def engines(self) -> int:
        """One per core, and no more than there is work for."""
        return max(1, min(usable_cores(), len(self.request.entries)))

    def items(self) -> Generator[JsonObject]:
        """Every item, as it finishes. The engines end with the iteration.

        Raises:
            CommandError: no engine can be started.
        """
        job = self._job()
        same = _with_the_same_scores([job.task(entry.architecture.canonical) for entry in self.request.entries])
        try:
            with EnginePool(self.engines) as pool:
                for position, result in pool.score([task for task, _ in same], self.batch):
                    first, *others = same[position][1]
                    yield self._item(first, result)
                    for index in others:
                        yield self._item(index, _known(result))
        except EngineStartFailed as error:
            raise CommandError(
                f"no engine can be started: {error.message}", ["`croze doctor` shows what is missing"]
            ) from error
        except EngineSick as error:
            raise CommandError(
                f"this machine computes wrong scores: {error.message}", ["another release of torch may do better"]
            ) from error

    def _item(self, index: int, result: list[Score] | EngineFailure) -> JsonObject:
        """The item as the service would give it."""
        entry, space = self.request.entries[index], self.request.space
        counts = space.counts(entry.architecture, self.settings, self.batch.image)
        spec = ItemSpec(
            index=index,
            id=entry.id,
            architecture=entry.architecture.canonical,
            format=entry.format,
            params=counts.params,
            macs=counts.macs,
            facts=space.facts(entry.architecture),
        )
        outcome = _outcome(result)
        return item_json(Item(spec=spec, status=outcome.status, outcome=outcome), self._job())

    def _job(self) -> JobSpec:
        """The request as the job it would be."""
        options = self.request.options
        return JobSpec(
            id="local",
            space=self.request.space.name,
            settings=self.settings,
            proxies=options.proxies,
            seed=options.seed,
            batch=self.batch.digest,
            batch_name=self.batch.name,
            precision=options.precision,
            layers=options.layers,
        )


def _with_the_same_scores(tasks: Sequence[ScoringTask]) -> list[tuple[ScoringTask, list[int]]]:
    """Each different task once, with the positions at which it is asked for."""
    if any(task.layers for task in tasks):
        # Names of layers are an architecture's own.
        return [(task, [position]) for position, task in enumerate(tasks)]
    positions: dict[tuple[str, ...], list[int]] = {}
    for position, task in enumerate(tasks):
        positions.setdefault(identity(task), []).append(position)
    return [(tasks[same[0]], same) for same in positions.values()]


def _known(result: list[Score] | EngineFailure) -> list[Score] | EngineFailure:
    return result if isinstance(result, EngineFailure) else [replace(score, cached=True) for score in result]


def _outcome(result: list[Score] | EngineFailure) -> ItemOutcome:
    if isinstance(result, EngineFailure):
        return ItemOutcome(status="failed", scores={}, error={"code": result.code, "message": result.message})
    scored = all(score.status == "scored" for score in result)
    return ItemOutcome(
        status="scored" if scored else "failed", scores={score.proxy: score.to_json() for score in result}
    )


def _load(request: ScoringRequest) -> Batch:
    options = request.options
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
    limit = Settings().memory_limit
    for entry in request.entries:
        try:
            request.space.check_memory(entry.architecture, settings, batch.image, images=batch.size, limit=limit)
        except TooLarge as error:
            raise UsageError(f"{entry.where}: {error.message}", ["CROZE_MEMORY_LIMIT sets the limit"]) from error
