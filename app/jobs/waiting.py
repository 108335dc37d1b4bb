"""The two things of the API that wait: for a job's end, and for its items as they finish.

Both look again and again, in the thread pool, a little less often each time: one place knows Redis, and it is
synchronous.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import anyio
from starlette.concurrency import run_in_threadpool

from app.errors import UnknownJob
from app.jobs.service import Jobs
from app.jobs.views import item_json
from workers.errors import StoreUnavailable
from workers.records import TERMINAL_JOB, Item, Job

if TYPE_CHECKING:
    from proxy.json_types import JsonObject

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds between two looks: quick for a job that is nearly done, cheap for one that takes an hour.
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.25
#: Seconds for which a stream stands Redis being away: it restarts in less, and its client has read half of it.
PATIENCE: Final = 30.0
#: Items held in memory by one stream.
CHUNK: Final = 500


def pauses() -> Iterator[float]:
    """Seconds to wait before each next look."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE)


async def until_ended(jobs: Jobs, job_id: str, seconds: float, is_gone: Callable[[], Awaitable[bool]]) -> Job:
    """The job when it has ended, or after `seconds`, or once the client `is_gone`.

    Raises:
        UnknownJob: no such job.
    """
    deadline = time.monotonic() + seconds
    job = await run_in_threadpool(jobs.get, job_id)
    for pause in pauses():
        left = deadline - time.monotonic()
        if job.status in TERMINAL_JOB or left <= 0 or await is_gone():
            break
        await anyio.sleep(min(pause, left))
        job = await run_in_threadpool(jobs.get, job_id)
    return job


async def finished_lines(jobs: Jobs, job: Job) -> AsyncIterator[bytes]:
    """The items of a job as NDJSON, in the order in which they ended; canceled ones are the last.

    If the job expires while it is read, the lines end.

    Raises:
        StoreUnavailable: Redis has been away for too long.
    """
    start, wait = 0, pauses()
    while True:
        # The job is looked at before its items: what had finished when it ended is then surely read.
        ended = job.status in TERMINAL_JOB
        items = await _patiently(jobs.store.jobs.finished, job.spec.id, start, CHUNK)
        start += len(items)
        if items:
            wait = pauses()
            yield _lines(items, job)
        elif ended:
            break
        else:
            await anyio.sleep(next(wait))
        if not ended:
            try:
                job = await _patiently(jobs.get, job.spec.id)
            except UnknownJob:
                return


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


def _lines(items: list[Item], job: Job) -> bytes:
    return "".join(f"{_line(item_json(item, job.spec))}\n" for item in items).encode()


def _line(item: JsonObject) -> str:
    return json.dumps(item, allow_nan=False)
