"""What is to be seen of jobs. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from workers.keys import JobKeys
from workers.records import Counts, Item, ItemSpec, Job, JobStatus, Tombstone
from workers.store import codec
from workers.store.job_part import JobPart
from workers.store.spans import spans
from workers.store.wire import Command

_JOB_FIELDS: Final = (
    "spec",
    "status",
    "total",
    "scored",
    "failed",
    "canceled",
    "needs",
    "created_at",
    "started_at",
    "finished_at",
    "expires_at",
)
_JOB_STATUSES: Final[dict[bytes, JobStatus]] = {
    b"queued": "queued",
    b"running": "running",
    b"completed": "completed",
    b"canceled": "canceled",
}


class Reading(JobPart):
    """What anybody may look at."""

    def get(self, job_id: str) -> Job | None:
        """The job now; None if there is none, or none any more."""
        return self._read([job_id])[0]

    def tombstone(self, job_id: str) -> Tombstone | None:
        """What stays of a job that is gone; None if there is one, or never was, or not even that has stayed."""
        job = JobKeys.of(job_id)
        exists, text = self._wire.transaction(("EXISTS", job.job), ("GET", job.gone))
        if exists or text is None:
            return None
        how, _, owner = text.decode().partition(":")
        return Tombstone(how="deleted" if how == "deleted" else "expired", owner=owner or None)

    def _read(self, job_ids: Sequence[str]) -> list[Job | None]:
        if not job_ids:
            return []
        commands: list[Command] = []
        for job in map(JobKeys.of, job_ids):
            commands += [("HMGET", job.job, *_JOB_FIELDS), ("ZCARD", job.open), ("ZCARD", job.leases)]
        replies = self._wire.transaction(*commands)
        return [_job(*replies[start : start + 3]) for start in range(0, len(replies), 3)]

    def items(self, job_id: str, start: int, limit: int) -> list[Item]:
        """At most `limit` items from index `start` on, in input order, whatever their state."""
        assert start >= 0, "indexes count from 0"
        assert limit >= 1, "at least one item is asked for"
        job = JobKeys.of(job_id)
        specs: list[bytes] = self._wire.command("LRANGE", job.items, start, start + limit - 1)
        return self._items(job, {start + offset: spec for offset, spec in enumerate(specs)})

    def these(self, job_id: str, indexes: Sequence[int]) -> list[Item]:
        """The items of these indexes, in that order; those that the job does not have are left out."""
        job = JobKeys.of(job_id)
        specs = self._specs(job, indexes) if indexes else {}
        return self._items(job, {index: specs[index] for index in indexes if index in specs})

    def finished(self, job_id: str, start: int, limit: int) -> list[Item]:
        """At most `limit` items that have ended, in the order in which they did, from the `start`-th on.

        The list only grows: every item of the job appears in it once, a canceled one too. So whoever reads it by
        offset until the job has ended has seen every item exactly once.
        """
        assert start >= 0, "offsets count from 0"
        assert limit >= 1, "at least one item is asked for"
        job = JobKeys.of(job_id)
        listed: list[bytes] = self._wire.command("LRANGE", job.finished, start, start + limit - 1)
        if not listed:
            return []
        indexes = [int(index) for index in listed]
        return self.these(job_id, indexes)

    def _specs(self, job: JobKeys, indexes: Sequence[int]) -> dict[int, bytes]:
        """What was asked, by index; neighbours may come with them. Empty if the job is gone."""
        wanted = list(spans(indexes))
        found: list[list[bytes]] = self._wire.transaction(
            *(("LRANGE", job.items, span.start, span.stop - 1) for span in wanted)
        )
        return {
            index: spec
            for span, specs in zip(wanted, found, strict=True)
            for index, spec in zip(span, specs, strict=False)
        }

    def _items(self, job: JobKeys, specs: Mapping[int, bytes]) -> list[Item]:
        if not specs:
            return []
        known: list[bytes | None]
        outcomes: list[bytes | None]
        leases: list[float | None]
        times: list[bytes | None]
        known, outcomes, leases, times = self._wire.transaction(
            ("HMGET", job.job, "status", "created_at", "finished_at"),
            ("HMGET", job.outcomes, *specs),
            ("ZMSCORE", job.leases, *specs),
            ("HMGET", job.times, *specs),
        )
        status, created_at, finished_at = known
        if status is None:
            return []
        # An item without times of its own ended with its job's beginning, or its end.
        canceled_at = finished_at if _JOB_STATUSES[status] == "canceled" else None
        return [
            _item(
                codec.item_from_json(index, spec),
                outcome,
                leased=lease is not None,
                times=time or b"",
                known_at=created_at,
                canceled_at=canceled_at,
            )
            for (index, spec), outcome, lease, time in zip(specs.items(), outcomes, leases, times, strict=True)
        ]


def _job(fields: Sequence[bytes | None], queued: int, running: int) -> Job | None:
    spec, status, total, scored, failed, canceled, needs, *times = fields
    if spec is None or status is None:
        return None
    created_at, started_at, finished_at, expires_at = (None if time is None else float(time) for time in times)
    return Job(
        spec=codec.job_from_json(spec),
        status=_JOB_STATUSES[status],
        counts=Counts(
            total=int(total or 0),
            queued=queued,
            running=running,
            scored=int(scored or 0),
            failed=int(failed or 0),
            canceled=int(canceled or 0),
        ),
        needs=codec.tags_from_text(needs or b""),
        created_at=created_at or 0.0,
        started_at=started_at,
        finished_at=finished_at,
        expires_at=expires_at,
    )


def _item(
    spec: ItemSpec,
    outcome: bytes | None,
    *,
    leased: bool,
    times: bytes,
    known_at: bytes | None,
    canceled_at: bytes | None,
) -> Item:
    first, _, last = times.partition(b" ")
    started_at = float(first) if first else None
    if outcome is not None:
        ended = codec.outcome_from_json(outcome)
        finished_at = float(last or known_at or 0)
        return Item(spec=spec, status=ended.status, outcome=ended, started_at=started_at, finished_at=finished_at)
    if canceled_at is not None:
        return Item(spec=spec, status="canceled", started_at=started_at, finished_at=float(canceled_at))
    return Item(spec=spec, status="running" if leased else "queued", started_at=started_at)
