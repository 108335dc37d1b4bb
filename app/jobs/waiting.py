"""What of the API waits: for a job's end, and for its items as they finish.

It looks again and again, in the thread pool, a little less often each time: one place knows Redis, and it is
synchronous.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeAlias, TypeVar

import anyio
from starlette.concurrency import run_in_threadpool

from app.auth import check_still_known
from app.errors import InvalidKey, UnknownJob
from app.jobs.refusals import JobDeleted, JobExpired
from app.jobs.service import Jobs
from proxy.json_types import JsonObject
from workers.errors import StoreUnavailable
from workers.records import TERMINAL_JOB, Job

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds between two looks: quick for a job that is nearly done, cheap for one that takes an hour.
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.25
#: A stream pauses for so many times as long as its last look took, if that is more: looking costs what the workers on
#: this machine could use. But not for longer than this.
PAUSE_PER_LOOK: Final = 50
LONGEST_PAUSE_FOR_LOOK: Final = 1.0
#: Seconds for which a stream stands Redis being away: it restarts in less, and its client has read half of it.
PATIENCE: Final = 30.0
#: Items held in memory by one stream: a client that reads slowly holds up no more than the text of these.
CHUNK: Final = 200

#: What a stream sends of one look at a job: (the job, the items that have ended since the last look, how many have in
#: all) -> text, and "" if there is nothing to be said.
Render: TypeAlias = Callable[[Job, list[JsonObject], int], str]


def pauses(pause: float = FIRST_PAUSE) -> Iterator[float]:
    """Seconds to wait before each next look."""
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE)


async def until_ended(jobs: Jobs, job_id: str, seconds: float, is_gone: Callable[[], Awaitable[bool]]) -> Job:
    """The job when it has ended, or after `seconds`, or once the client `is_gone`.

    Raises:
        UnknownJob, JobExpired, JobDeleted: no such job.
        InvalidKey: the caller's key was revoked meanwhile.
    """
    deadline = time.monotonic() + seconds
    job = await run_in_threadpool(jobs.get, job_id)
    for pause in pauses():
        left = deadline - time.monotonic()
        if job.status in TERMINAL_JOB or left <= 0 or await is_gone():
            break
        await anyio.sleep(min(pause, left))
        job = await run_in_threadpool(_again, jobs, job_id)
    return job


def _again(jobs: Jobs, job_id: str) -> Job:
    check_still_known(jobs.caller, jobs.store.api_keys)
    return jobs.get(job_id)


async def follow(jobs: Jobs, job: Job, start: int, render: Render) -> AsyncIterator[bytes]:
    """What `render` makes of every look at the job, until it has ended and all its items have been seen.

    Items come in the order in which they ended, from the `start`-th on; canceled ones are the last. The last look
    holds none. If the job is deleted or expires while it is read, or the caller's key is revoked, that ends too.

    Raises:
        StoreUnavailable: Redis has been away for too long.
    """
    longer, known = pauses(), job
    while True:
        began = time.monotonic()
        try:
            look = await _patiently(_look, jobs, known, start, render)
        except (UnknownJob, JobExpired, JobDeleted, InvalidKey):
            return
        price, known = time.monotonic() - began, look.job
        start += look.items
        some, full, over = look.items > 0, look.items == CHUNK, look.job.status in TERMINAL_JOB
        if look.text:
            yield look.text
        # While it waits, a stream holds none of what it has sent.
        del look
        if over and not some:
            return
        if not (over or full):
            await anyio.sleep(max(next(longer), min(PAUSE_PER_LOOK * price, LONGEST_PAUSE_FOR_LOOK)))


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at a job found."""

    job: Job
    items: int
    text: bytes


def _look(jobs: Jobs, known: Job, start: int, render: Render) -> _Look:
    """One look: in one turn of the thread pool, because every turn costs as much as a question to Redis.

    Raises:
        UnknownJob, JobExpired, JobDeleted: the job is gone.
        InvalidKey: the caller's key was revoked.
        StoreUnavailable: Redis is away.
    """
    check_still_known(jobs.caller, jobs.store.api_keys)
    # The job is looked at before its items: what had finished when it ended is then surely read.
    job = known if known.status in TERMINAL_JOB else jobs.get(known.spec.id)
    items = jobs.store.jobs.finished(job.spec.id, start, CHUNK)
    shown = jobs.shown(job, items) if items else []
    return _Look(job, len(items), render(job, shown, start + len(items)).encode())


async def _patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `call` returns, asked again for a while if Redis is away."""
    deadline = time.monotonic() + PATIENCE
    for pause in pauses():
        try:
            return await run_in_threadpool(call, *args, **kwargs)
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
        await anyio.sleep(pause)
    raise AssertionError("pauses never end")
