"""What can be done with jobs, apart from HTTP. Synchronous: the API calls it from its thread pool."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from app.catalog.service import resolve_batch
from app.errors import InvalidRequest, UnknownJob
from app.jobs import cursor
from app.jobs.known import known_outcomes
from app.jobs.parsing import Frame, located, parse_items
from app.jobs.schemas import MAX_LAYER_ITEMS, MAX_METADATA_BYTES, MAX_METADATA_DEPTH, SubmitRequest
from app.validation import brief
from proxy.data import check_labels
from proxy.errors import Fault, InvalidBatch
from proxy.precision import check_precision
from proxy.proxies import get_proxy
from proxy.spaces import get_space
from workers import logs, tracing
from workers.records import Item, Job, JobSpec

if TYPE_CHECKING:
    from app.auth import Caller
    from app.settings import Settings
    from proxy.data.spec import Batch
    from proxy.spaces._base import Space
    from workers.store import Store

PAGE_SIZE: Final = 100
_JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a job, in the order of the request."""

    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Jobs:
    """Everything that one caller can do with jobs. To it, jobs of others do not exist."""

    store: Store
    settings: Settings
    caller: Caller

    def submit(self, request: SubmitRequest) -> Job:
        """Check everything, then queue what is not known yet: a refused request leaves nothing behind.

        Raises:
            ProxyError: the request names or holds something that cannot be scored.
            InvalidRequest: its fields do not fit each other.
            StoreError: Redis is away or full.
        """
        _check_limits(request)
        with located("space"):
            space = get_space(request.space)
        for position, name in enumerate(request.proxies):
            with located(f"proxies[{position}]"):
                get_proxy(name)
        with located("precision"):
            check_precision(request.precision)
        with located("batch"):
            batch = resolve_batch(self.store, request.batch, self.settings.data_dir)
            _check_image(space, batch)
        settings = space.complete_settings(request.settings, batch.classes)
        with located("settings.classes"):
            check_labels(batch, settings["classes"])
        frame = Frame(
            space=space,
            settings=settings,
            image=batch.image,
            images=batch.size,
            memory_limit=self.settings.memory_limit,
        )
        items = parse_items(request.architectures, request.format, frame)
        job = JobSpec(
            id=uuid4().hex,
            space=space.name,
            settings=settings,
            proxies=tuple(request.proxies),
            seed=request.seed,
            batch=batch.digest,
            batch_name=request.batch,
            precision=request.precision,
            layers=request.layers,
            metadata=request.metadata,
            owner=self.caller.name,
            request_id=logs.bound_value("request_id"),
            traceparent=tracing.traceparent(),
        )
        self.store.batches.put(batch, listed=False)
        return self.store.jobs.create(job, items, known_outcomes(self.store, job, items))

    def get(self, job_id: str) -> Job:
        """The job now.

        Raises:
            UnknownJob: no such job, whether or not the id is well formed; or one that this caller does not see.
        """
        job = self.store.jobs.get(job_id) if _JOB_ID.fullmatch(job_id) else None
        if job is None or not self.caller.sees(job.spec.owner):
            raise _unknown(job_id)
        return job

    def cancel(self, job_id: str) -> Job:
        """End the job, keeping the results so far. A job that has ended stays as it is.

        Raises:
            UnknownJob: as for `get`.
        """
        self.get(job_id)
        job = self.store.jobs.cancel(job_id)
        if job is None:
            raise _unknown(job_id)
        return job

    def page(self, job: Job, limit: int | None, after: str | None) -> Page:
        """One page of a job's items, open ones included.

        Raises:
            InvalidCursor: `after` is not the `next_cursor` of a page of this job.
        """
        start = 0 if after is None else cursor.decode(after, job.counts.total)
        end = min(start + (limit or PAGE_SIZE), job.counts.total)
        items = self.store.jobs.items(job.spec.id, start, end - start)
        return Page(items, cursor.encode(end) if end < job.counts.total else None)


def _check_limits(request: SubmitRequest) -> None:
    """What the fields' own types do not say."""
    faults = []
    repeated = sorted({name for name in request.proxies if request.proxies.count(name) > 1})
    if repeated:
        names = ", ".join(map(repr, repeated))
        faults.append(Fault("proxies", f"{names} is named more than once", "name each proxy once"))
    if request.layers and len(request.architectures) > MAX_LAYER_ITEMS:
        problem = f"true with {len(request.architectures)} architectures"
        repair = f"allowed: at most {MAX_LAYER_ITEMS} architectures with layers; split the job, or leave layers out"
        faults.append(Fault("layers", problem, repair))
    if not _is_small_json(request.metadata):
        problem = f"{brief(request.metadata)} is not allowed"
        repair = (
            f"allowed: at most {MAX_METADATA_BYTES} bytes of JSON in UTF-8, at most {MAX_METADATA_DEPTH} levels deep, "
            "all numbers finite"
        )
        faults.append(Fault("metadata", problem, repair))
    if faults:
        raise InvalidRequest.of(*faults)


def _is_small_json(value: dict[str, Any]) -> bool:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (ValueError, RecursionError):
        # 1e999, which is read as infinity; a lone surrogate; or lists in lists up to the parser's limit.
        return False
    return size <= MAX_METADATA_BYTES and _depth(text) <= MAX_METADATA_DEPTH


def _depth(text: str) -> int:
    """Levels of nesting; brackets within strings count too, which only errs on the safe side."""
    depth = deepest = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _check_image(space: Space[Any], batch: Batch) -> None:
    image = batch.image
    multiple = space.image_multiple
    if image.channels != 3 or image.height % multiple or image.width % multiple:
        raise InvalidBatch(
            f"images of {image.channels}x{image.height}x{image.width} do not fit space {space.name!r}; "
            f"allowed: 3 channels, height and width a multiple of {multiple}"
        )


def _unknown(job_id: str) -> UnknownJob:
    return UnknownJob(f"job {brief(job_id)} does not exist or has expired; POST /v1/jobs makes one")
