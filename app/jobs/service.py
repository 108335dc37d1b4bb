"""What can be done with jobs, apart from HTTP. Synchronous: the API calls it from its thread pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from app.catalog.service import resolve_batch
from app.errors import InvalidRequest, UnknownJob
from app.jobs import cursor, ids, refusals
from app.jobs.aggregates import aggregate_asked, frozen_reference, proxies_asked, retried_reference
from app.jobs.checking import check_fields, check_request, fingerprint
from app.jobs.classes import retried
from app.jobs.cursor import Order
from app.jobs.known import known_outcomes
from app.jobs.outlook import Prospect, prospect
from app.jobs.parsing import failed_items, parse_items
from app.jobs.ranking import best_first, standings
from app.jobs.room import check_room, limits
from app.jobs.views import item_json
from app.validation import brief
from app.webhooks.service import check_webhook
from proxy.errors import Fault
from proxy.json_types import JsonObject
from proxy.proxies import peak_memory
from workers import logs, tracing
from workers.errors import JobExists, JobGone
from workers.records import TERMINAL_JOB, Item, ItemOutcome, ItemSpec, Job, JobSpec

if TYPE_CHECKING:
    from app.auth import Caller
    from app.jobs.schemas import SubmitRequest
    from app.settings import Settings
    from proxy.data.spec import Batch
    from workers.store import Store

PAGE_SIZE: Final = 100
_CHUNK: Final = 1000


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

    def submit(self, request: SubmitRequest, *, key: str | None = None, job_id: str | None = None) -> Job:
        """Check everything, then queue what is not known yet: a refused request leaves nothing behind.

        With an idempotency key, or an id of the client's own, the same request again is the same job again.

        Raises:
            ProxyError: the request names or holds something that cannot be scored.
            InvalidRequest: its fields do not fit each other, or the id is none.
            WebhookRefused: the end is to be told where nothing is sent.
            IdempotencyMismatch, JobIdTaken, JobExpired, JobDeleted: the key or the id has been used.
            StoreError: Redis is away or full.
            Overload: too much is open, or was submitted in the last minute.
        """
        stored, name = ids.for_new(self.caller.name, key, job_id)
        known = None if key is None and job_id is None else self._same(stored, request)
        if known is not None:
            return known
        check_fields(request)
        check_room(len(request.architectures), self.caller, self.store, self.settings)
        webhook = check_webhook(request.webhook, self.settings)
        frame, batch = check_request(request, self.store, self.settings)
        aggregate = aggregate_asked(request)
        proxies = proxies_asked(request, aggregate)
        frame = replace(frame, memory_times=peak_memory(proxies))
        if request.on_invalid == "fail":
            items, failed = failed_items(request.architectures, request.format, frame)
        else:
            items, failed = parse_items(request.architectures, request.format, frame), {}
        seeds = tuple(request.seeds or (request.seed,))
        spec = JobSpec(
            id=stored,
            name=name,
            fingerprint=fingerprint(request),
            space=frame.space.name,
            settings=frame.settings,
            proxies=proxies,
            seed=seeds[0],
            seeds=seeds[1:] and seeds,
            batch=batch.digest,
            batch_name=request.batch,
            precision=request.precision,
            layers=request.layers,
            dedupe=request.dedupe,
            aggregate=aggregate,
            priority=request.priority,
            metadata=request.metadata,
            webhook=webhook,
            owner=self.caller.name,
            request_id=logs.bound_value("request_id"),
            traceparent=tracing.traceparent(),
        )
        against = frozen_reference(self.store, spec, self.get, self._items)
        try:
            return self._create(spec, items, failed, batch, against)
        except JobExists:
            # Somebody sent the same at the same time.
            job = self._same(stored, request)
            if job is None:
                self._refuse(stored, job_id or stored)
            return job

    def get(self, job_id: str) -> Job:
        """The job now.

        Raises:
            UnknownJob: no such job, whether or not the id is well formed; or one that this caller does not see.
            JobExpired, JobDeleted: there has been one.
        """
        stored = ids.stored(self.caller.name, job_id)
        job = None if stored is None else self.store.jobs.get(stored)
        if job is None or not self.caller.sees(job.spec.owner):
            self._refuse(stored, job_id)
        return job

    def shown_id(self, job: Job) -> str:
        """The id by which this caller can ask for the job."""
        return ids.shown_to(self.caller, job.spec)

    def prospects(self, jobs: Sequence[Job]) -> list[Prospect]:
        """What each of them has before it."""
        if all(job.status in TERMINAL_JOB for job in jobs):
            return [Prospect() for _ in jobs]
        outlook = self.store.jobs.outlook()
        return [Prospect() if job.status in TERMINAL_JOB else prospect(job.spec.id, job.needs, outlook) for job in jobs]

    def cancel(self, job_id: str) -> Job:
        """End the job, keeping the results so far. A job that has ended stays as it is.

        Raises:
            UnknownJob, JobExpired, JobDeleted: as for `get`.
        """
        stored = self.get(job_id).spec.id
        job = self.store.jobs.cancel(stored)
        if job is None:
            self._refuse(stored, job_id)
        return job

    def delete(self, job_id: str) -> None:
        """Cancel the job if it has not ended, and forget it. Deleting twice is deleting once.

        Raises:
            UnknownJob, JobExpired: as for `get`.
        """
        try:
            self.store.jobs.delete(self.get(job_id).spec.id)
        except refusals.JobDeleted:
            return

    def retry(self, job_id: str) -> Job:
        """A new job of the items that failed in that one. Retrying the same job again is the same new job.

        Raises:
            UnknownJob, JobExpired, JobDeleted: as for `get`; the last also if the new job has been deleted.
            JobNotEnded, NothingToRetry: there is nothing to be scored again (yet).
            ProxyError: the batch is not kept any more.
            StoreError, Overload: as for `submit`.
        """
        job = self.get(job_id)
        again = ids.for_retry(job.spec.id)
        made = self.store.jobs.get(again)
        if made is not None:
            return made
        if job.status not in TERMINAL_JOB:
            raise refusals.JobNotEnded(f"job {brief(job_id)} is {job.status}; wait until it has ended, or cancel it")
        failed = [item.spec for item in self._items(job) if item.status == "failed" and item.spec.architecture]
        if not failed:
            raise refusals.NothingToRetry(f"job {brief(job_id)} has no failed item that another try could mend")
        check_room(len(failed), self.caller, self.store, self.settings)
        aggregate, against = retried_reference(self.store, job, self.shown_id(job))
        spec = replace(
            job.spec,
            aggregate=aggregate,
            id=again,
            name=None,
            retry_of=self.shown_id(job),
            request_id=logs.bound_value("request_id"),
            traceparent=tracing.traceparent(),
        )
        items = retried(failed)
        batch = resolve_batch(self.store, spec.batch_name, self.settings.data_dir)
        try:
            return self._create(spec, items, {}, batch, against)
        except JobExists:
            return self.get(again)

    def page(self, job: Job, limit: int | None, after: str | None, order: Order = "request") -> Page:
        """One page of a job's items, open ones included.

        Raises:
            InvalidCursor: `after` is not the `next_cursor` of a page of this job in that order.
            InvalidRequest, JobNotEnded: there is no best, or not yet.
        """
        start = 0 if after is None else cursor.decode(after, job.counts.total, order)
        end = min(start + (limit or PAGE_SIZE), job.counts.total)
        if order == "best":
            items = self.store.jobs.these(job.spec.id, self._best(job)[start:end])
        else:
            items = self.store.jobs.items(job.spec.id, start, end - start)
        return Page(items, cursor.encode(end, order) if end < job.counts.total else None)

    def shown(self, job: Job, items: Sequence[Item]) -> list[JsonObject]:
        """Items as clients see them, with what the job's aggregate says of them now."""
        found = standings(self.store, job, items)
        return [item_json(item, job.spec, standing) for item, standing in zip(items, found, strict=True)]

    def _best(self, job: Job) -> list[int]:
        if job.spec.aggregate is None:
            fault = Fault(
                "order", "best has no meaning for a job without an aggregate", "allowed for this job: request"
            )
            raise InvalidRequest.of(fault)
        if job.status not in TERMINAL_JOB:
            raise refusals.JobNotEnded(f"the job is {job.status}, and its best are known when it has ended; wait")
        return best_first(self.store, job, job.spec.aggregate)

    def _create(
        self,
        spec: JobSpec,
        items: list[ItemSpec],
        failed: dict[int, ItemOutcome],
        batch: Batch,
        against: bytes,
    ) -> Job:
        self.store.batches.put(batch, listed=False)
        known = known_outcomes(self.store, spec, [item for item in items if item.index not in failed])
        try:
            return self.store.jobs.create(spec, items, failed | known, limits(self.settings), against=against)
        except JobGone:
            self._refuse(spec.id, spec.name or spec.id)

    def _same(self, stored: str, request: SubmitRequest) -> Job | None:
        """The job that this request has made before, if its id has one."""
        job = self.store.jobs.get(stored)
        if job is None:
            return None
        if not self.caller.sees(job.spec.owner):
            raise refusals.JobIdTaken(f"id {stored!r} is taken; choose another, a random UUID for example")
        if job.spec.fingerprint != fingerprint(request):
            raise refusals.IdempotencyMismatch(
                f"this key or id was used for another request, which made job {self.shown_id(job)!r}; send the same "
                "request again, or choose a new key or id"
            )
        return job

    def _items(self, job: Job) -> Iterator[Item]:
        for start in range(0, job.counts.total, _CHUNK):
            yield from self.store.jobs.items(job.spec.id, start, _CHUNK)

    def _refuse(self, stored: str | None, job_id: str) -> NoReturn:
        """Say why there is no such job."""
        tombstone = None if stored is None else self.store.jobs.tombstone(stored)
        if tombstone is None or not self.caller.sees(tombstone.owner):
            raise UnknownJob(f"job {brief(job_id)} does not exist; POST /v1/jobs makes one")
        if tombstone.how == "deleted":
            raise refusals.JobDeleted(f"job {brief(job_id)} was deleted; submit it anew, under another key or id")
        raise refusals.JobExpired(
            f"job {brief(job_id)} has expired; submit it anew, under another key or id: known scores come at once"
        )
