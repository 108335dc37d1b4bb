"""Plans about jobs: submit, wait, read, cancel. Each may be repeated, so each survives what is in the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import quote

from croze_client._version import VERSION
from croze_client.answers import Unreadable, json_object, may, need, the_object
from croze_client.errors import IncompatibleServer, JobLost, JobUnknown, ServiceUnreachable, WaitTimeout
from croze_client.patience import Patience, TooLate, ask, pauses
from croze_client.results import ItemResult, Job, read_item, read_job
from croze_client.steps import Ask, Plan, Reply, ask_once, pause
from croze_client.submission import Submission

T = TypeVar("T")

#: How often a job that the service took and then forgot is submitted again.
MAX_RESUBMISSIONS: Final = 3
#: Seconds that the service is asked to wait for a job's end: less than what proxies cut off.
_LONG_POLL_S: Final = 30.0
_PAGE: Final = "1000"
JSON_HEADERS: Final = {"Content-Type": "application/json"}


def job_path(job_id: str, what: str = "") -> str:
    """Where a job is, or something of it. Any text is an id that the service can refuse."""
    return f"/v1/jobs/{quote(job_id, safe='')}{what and '/'}{what}"


def job_in(reply: Reply, submission: Submission | None = None) -> Job:
    """The job in an answer. Raises Unreadable."""
    return read_job(the_object(reply.body, "a job"), submission)


def submit(submission: Submission, patience: Patience, deadline: float = math.inf) -> Plan[Job]:
    """The job that a submission makes, or has made before.

    Raises:
        Refused, AccessDenied, Conflict, JobGone, Overloaded, ServiceFailed, ServiceUnreachable
    """
    if submission.job_id is None:
        headers = {**JSON_HEADERS, "Idempotency-Key": submission.key}
        request = Ask(method="POST", path="/v1/jobs", headers=headers, content=submission.body)
    else:
        path = job_path(submission.job_id)
        request = Ask(method="PUT", path=path, headers=JSON_HEADERS, content=submission.body)
    reply = yield from ask(request, patience, deadline)
    return job_in(reply, submission)


def read(job_id: str, patience: Patience, wait: float = 0.0, deadline: float = math.inf) -> Plan[Job]:
    """The job now, or at its end if that comes within `wait` seconds."""
    params = {"wait": f"{wait:.3f}"} if wait > 0 else {}
    request = Ask(method="GET", path=job_path(job_id), params=params, silence=wait + 30.0)
    return job_in((yield from ask(request, patience, deadline)))


def look(job: Job | str, patience: Patience) -> Plan[Job]:
    """The job now; what was submitted stays with it."""
    now = yield from read(id_of(job), patience)
    return replace(now, submission=submission_of(job))


def wait(job: Job | str, patience: Patience, timeout: float | None) -> Plan[Job]:
    """The job at its end, which is waited for.

    Raises:
        WaitTimeout: it has not ended in time, or nobody could say so.
        JobLost: the service forgot it, again and again.
    """
    limit = math.inf if timeout is None else timeout
    deadline = patience.clock() + limit
    waits, lost = pauses(), 0
    submission, job_id = submission_of(job), id_of(job)
    while True:
        began = patience.clock()
        left = max(0.0, min(_LONG_POLL_S, deadline - began))
        try:
            try:
                now = yield from read(job_id, patience, left, deadline)
            except JobUnknown as error:
                lost += 1
                now = yield from submit_again(job_id, submission, lost, error, patience, deadline)
        except ServiceUnreachable as error:
            raise interrupted(error, job_id) from error
        except TooLate as late:
            raise _timeout(job_id, limit, str(late.__cause__)) from late.__cause__
        if now.ended:
            return replace(now, submission=submission)
        rest = deadline - patience.clock()
        if rest <= 0:
            raise _timeout(job_id, limit, f"{now.counts.ended} of {now.counts.total} items have")
        if patience.clock() - began < 1.0:  # a service, or something before it, that does not wait
            yield from pause(min(next(waits), rest))


def _timeout(job_id: str, limit: float, why: str) -> WaitTimeout:
    return WaitTimeout(
        f"job {job_id} has not ended within {limit:g} s: {why}",
        "it goes on: wait for it again, or cancel it",
        job_id=job_id,
    )


def submit_again(
    job_id: str,
    submission: Submission | None,
    times: int,
    error: JobUnknown,
    patience: Patience,
    deadline: float = math.inf,
) -> Plan[Job]:
    """The same job once more, because the service that took it does not know it: its Redis was replaced by a copy that
    had not heard of it. Its key makes it the same job.

    Raises:
        JobUnknown: nobody here knows what it was.
        JobLost: that has happened too often.
    """
    if submission is None:
        raise error
    if times > MAX_RESUBMISSIONS:
        raise JobLost(
            f"the service took job {job_id} and forgot it {times} times",
            "see to its Redis, then submit the same with the same key",
            job_id=job_id,
        ) from error
    yield from pause(times * 0.5)
    return (yield from submit(submission, patience, deadline))


def page_through(job_id: str, patience: Patience, order: str = "request") -> Plan[list[ItemResult]]:
    """All items of a job as they are now, in the order of the request, or "best" first."""
    usual = {"limit": _PAGE} if order == "request" else {"limit": _PAGE, "order": order}
    found: list[ItemResult] = []
    cursor: str | None = None
    while True:
        params = usual if cursor is None else {**usual, "cursor": cursor}
        reply = yield from ask(Ask(method="GET", path=job_path(job_id, "scores"), params=params), patience)
        page = the_object(reply.body, "a page of items")
        found += map(read_item, need(page, "items", list, "a page of items"))
        cursor = may(page, "next_cursor", str)
        if cursor is None:
            return found


def change(job_id: str, what: str, patience: Patience) -> Plan[Job]:
    """The job that comes of `what` is done to one: "cancel" or "retry"."""
    reply = yield from ask(Ask(method="POST", path=job_path(job_id, what)), patience)
    return job_in(reply)


def delete(job_id: str, patience: Patience) -> Plan[None]:
    """Cancel and forget a job."""
    yield from ask(Ask(method="DELETE", path=job_path(job_id)), patience)


def interrupted(error: ServiceUnreachable, job_id: str) -> ServiceUnreachable:
    """The same, about a job."""
    return ServiceUnreachable(
        error.problem,
        f"job {job_id} is kept there, and goes on when the service does: ask for it again by this id",
        job_id=job_id,
    )


def id_of(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def submission_of(job: Job | str) -> Submission | None:
    return None if isinstance(job, str) else job.submission


def explained(plan: Plan[T]) -> Plan[T]:
    """The same plan; an answer that cannot be read is an error that names both versions.

    Raises:
        IncompatibleServer
    """
    try:
        return (yield from plan)
    except Unreadable as error:
        raise IncompatibleServer(str(error), VERSION, (yield from _server_version())) from error


def _server_version() -> Plan[str | None]:
    """What the service says it is; None if it does not say."""
    outcome = yield from ask_once(Ask(method="GET", path="/openapi.json", silence=10.0))
    body: Mapping[str, Any] = (json_object(outcome.body) if isinstance(outcome, Reply) else None) or {}
    info = may(body, "info", dict) or {}
    return may(info, "version", str) if info.get("title") == "CRoZe" else None
