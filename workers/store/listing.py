"""The jobs of an owner, newest first."""

from __future__ import annotations

from typing import Final, NamedTuple

from workers import keys
from workers.keys import JobKeys
from workers.records import Job, JobLoad, Outlook, Priority
from workers.store import codec
from workers.store.reading import Reading
from workers.store.scripts import Script

#: With more unfinished jobs than this there is no outlook: it would cost every reader of a job some milliseconds of
#: the server's time, and estimate nothing.
MOST_JOBS: Final = 1000


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
        while True:
            ids = self._older(index, after, limit + 1)
            jobs = self._read(ids[:limit])
            gone = [job_id for job_id, job in zip(ids, jobs, strict=False) if job is None]
            if gone:
                self._wire.command("ZREM", index, *gone)
            found = [job for job in jobs if job is not None]
            if found or len(ids) <= limit:
                more = len(ids) > limit
                return found, Mark(found[-1].created_at, found[-1].spec.id) if more else None

    def _older(self, index: str, after: Mark | None, count: int) -> list[str]:
        """Ids from the mark on, at least `count` of them if there are so many, newest first."""
        if after is None:
            return [job_id.decode() for job_id in self._wire.command("ZREVRANGE", index, 0, count - 1)]
        moment = repr(after.created_at)
        same: int = self._wire.command("ZCOUNT", index, moment, moment)
        found: list[bytes] = self._wire.command("ZREVRANGEBYSCORE", index, moment, "-inf", "LIMIT", 0, same + count)
        ids = [job_id.decode() for job_id in found]
        # Of one moment, the list is in the order of ids.
        return [job_id for job_id in ids[:same] if job_id < after.job_id] + ids[same:]

    def outlook(self) -> Outlook:
        """All that is still to be done, and by how many, at one moment. No jobs if there are too many of them."""
        workers, cost, releases, *rest = self._wire.script(
            Script.OUTLOOK,
            [keys.UNFINISHED, keys.WORKERS, keys.COST, keys.RELEASES],
            [JobKeys.of("").job, keys.WORKER_S, MOST_JOBS],
        )
        return Outlook(
            workers=int(workers),
            cost=float(cost) if cost else None,
            releases=tuple(codec.tags_from_text(tags) for tags in releases),
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
