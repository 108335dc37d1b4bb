"""The jobs of an owner, newest first."""

from __future__ import annotations

from typing import NamedTuple

from workers import keys
from workers.keys import JobKeys
from workers.records import Job, JobLoad, Outlook, Priority
from workers.store.reading import Reading
from workers.store.scripts import Script


class Mark(NamedTuple):
    """A place in the list: that of the last job looked at."""

    created_at: float
    job_id: str


class Listing(Reading):
    """What there is of jobs."""

    def newest(self, owner: str | None, after: Mark | None, limit: int) -> tuple[list[Job], Mark | None]:
        """Up to `limit` jobs of that owner (None: of all), newest first, from the mark on; and the next mark.

        Jobs that have expired are passed over, so there may be fewer, even none. No mark: that was all.
        """
        index = keys.jobs(owner)
        newest, of_that_moment = "+inf", 0
        if after is not None:
            newest = repr(after.created_at)
            of_that_moment = self._wire.command("ZCOUNT", index, newest, newest)
        found: list[tuple[bytes, float]] = self._wire.command(
            "ZREVRANGEBYSCORE", index, newest, "-inf", "WITHSCORES", "LIMIT", 0, of_that_moment + limit + 1
        )
        marks = [Mark(score, job_id.decode()) for job_id, score in found]
        rest = [mark for mark in marks if after is None or mark < after]
        older = rest[:limit]
        jobs = self._read([mark.job_id for mark in older])
        gone = [mark.job_id for mark, job in zip(older, jobs, strict=True) if job is None]
        if gone:
            self._wire.command("ZREM", index, *gone)
        return [job for job in jobs if job is not None], older[-1] if len(rest) > limit else None

    def outlook(self) -> Outlook:
        """All that is still to be done, and by how many, at one moment."""
        reply: list[bytes | int] = self._wire.script(
            Script.OUTLOOK, [keys.UNFINISHED, keys.WORKERS, keys.COST], [JobKeys.of("").job, keys.WORKER_S]
        )
        workers, cost, *rest = reply
        return Outlook(
            workers=int(workers),
            cost=float(cost) if cost else None,
            jobs=tuple(_load(rest[start : start + 6]) for start in range(0, len(rest), 6)),
        )


def indexes(owner: str | None) -> list[str]:
    """The keys of all indexes that a job of this owner is in."""
    return list(dict.fromkeys([keys.jobs(None), keys.jobs(owner)]))


def _load(fields: list[bytes | int]) -> JobLoad:
    job_id, priority, left, unclaimed, computed, seconds = fields
    assert isinstance(job_id, bytes), "Redis answers a string with bytes"
    urgent: Priority = "urgent" if priority == b"urgent" else "normal"
    return JobLoad(
        id=job_id.decode(),
        priority=urgent,
        left=int(left),
        open=int(unclaimed),
        computed=int(computed),
        seconds=float(seconds),
    )
