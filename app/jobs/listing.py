"""The jobs of a caller, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from app.jobs import cursor
from workers.store.listing import Mark

if TYPE_CHECKING:
    from app.jobs.schemas import JobsQuery
    from app.jobs.service import Jobs
    from proxy.json_types import JsonValue
    from workers.records import Job

#: Jobs looked at in one step, and for one page: with a filter that few pass, a page has fewer than asked for.
_CHUNK: Final = 100
_MOST: Final = 1000


def newest(jobs: Jobs, query: JobsQuery) -> tuple[list[Job], str | None]:
    """A page of the jobs that the caller sees and the query asks for, and the cursor of the next; None: that was all.

    Raises:
        InvalidCursor: the query's cursor is not one that was given here.
    """
    mark = None if query.cursor is None else cursor.decode_mark(query.cursor)
    since = None if query.created_since is None else query.created_since.timestamp()
    found: list[Job] = []
    looked_at = 0
    for looked_at, (job, here) in enumerate(_all(jobs, mark), start=1):
        if since is not None and job.created_at < since:
            return found, None
        if _passes(job, query):
            found.append(job)
        if len(found) == query.limit or looked_at == _MOST:
            return found, cursor.encode_mark(here)
    return found, None


def _all(jobs: Jobs, mark: Mark | None) -> Iterator[tuple[Job, Mark]]:
    """Every job from the mark on, each with its own mark."""
    owner = None if jobs.caller.role == "admin" else jobs.caller.name
    while True:
        chunk, mark = jobs.store.jobs.newest(owner, mark, _CHUNK)
        for job in chunk:
            yield job, Mark(job.created_at, job.spec.id)
        if mark is None:
            return


def _passes(job: Job, query: JobsQuery) -> bool:
    if query.status is not None and job.status != query.status:
        return False
    if query.space is not None and job.spec.space != query.space:
        return False
    if query.created_before is not None and job.created_at >= query.created_before.timestamp():
        return False
    if query.metadata is None:
        return True
    name, has_value, value = query.metadata.partition("=")
    return name in job.spec.metadata and (not has_value or _text(job.spec.metadata[name]) == value)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
