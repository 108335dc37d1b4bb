"""What is to be seen of jobs. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workers.keys import JobKeys
from workers.records import Counts, Item, ItemSpec, Job, JobStatus
from workers.store import codec
from workers.store.job_part import JobPart

_JOB_FIELDS: Final = (
    "spec",
    "status",
    "total",
    "scored",
    "failed",
    "canceled",
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
        job = JobKeys.of(job_id)
        fields: list[bytes | None]
        fields, queued, running = self._wire.transaction(
            ("HMGET", job.job, *_JOB_FIELDS), ("ZCARD", job.open), ("ZCARD", job.leases)
        )
        spec, status, total, scored, failed, canceled, *times = fields
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
            created_at=created_at or 0.0,
            started_at=started_at,
            finished_at=finished_at,
            expires_at=expires_at,
        )

    def items(self, job_id: str, start: int, limit: int) -> list[Item]:
        """At most `limit` items from index `start` on, in input order, whatever their state."""
        assert start >= 0, "indexes count from 0"
        assert limit >= 1, "at least one item is asked for"
        job = JobKeys.of(job_id)
        specs: list[bytes] = self._wire.command("LRANGE", job.items, start, start + limit - 1)
        return self._items(job, {start + offset: spec for offset, spec in enumerate(specs)})

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
        specs: list[bytes | None] = self._wire.transaction(*(("LINDEX", job.items, index) for index in indexes))
        return self._items(job, {index: spec for index, spec in zip(indexes, specs, strict=True) if spec})

    def _items(self, job: JobKeys, specs: Mapping[int, bytes]) -> list[Item]:
        if not specs:
            return []
        status: bytes | None
        outcomes: list[bytes | None]
        leases: list[float | None]
        status, outcomes, leases = self._wire.transaction(
            ("HGET", job.job, "status"), ("HMGET", job.outcomes, *specs), ("ZMSCORE", job.leases, *specs)
        )
        if status is None:
            return []
        canceled = _JOB_STATUSES[status] == "canceled"
        return [
            _item(codec.item_from_json(index, spec), outcome, leased=lease is not None, canceled=canceled)
            for (index, spec), outcome, lease in zip(specs.items(), outcomes, leases, strict=True)
        ]


def _item(spec: ItemSpec, outcome: bytes | None, *, leased: bool, canceled: bool) -> Item:
    if outcome is not None:
        ended = codec.outcome_from_json(outcome)
        return Item(spec=spec, status=ended.status, outcome=ended)
    if canceled:
        return Item(spec=spec, status="canceled")
    return Item(spec=spec, status="running" if leased else "queued")
