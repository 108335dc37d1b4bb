"""A job's items over HTTP: in pages, in lines, or as events."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from app.answers import JsonResponse
from app.deps import JobsDep
from app.errors import InvalidRequest
from app.jobs.endpoints import JOB_CODES, JobId
from app.jobs.examples import NDJSON_EXAMPLE, events_example
from app.jobs.headers import last_event
from app.jobs.schemas import ScorePage, ScoresQuery
from app.jobs.streams import Events, lines
from app.jobs.waiting import follow
from app.json_body import JsonRoute
from app.problems import problems
from proxy.errors import Fault

NDJSON: Final = "application/x-ndjson"
EVENTS: Final = "text/event-stream"
#: Else nginx holds lines back.
_UNBUFFERED: Final = {"X-Accel-Buffering": "no"}

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)


@router.get(
    "/{job_id}/scores",
    response_model=ScorePage,
    summary="A job's items and their scores",
    response_description="A page in the order of the request, or all items as they finish.",
    responses={
        200: {"content": {NDJSON: {"schema": {"type": "string"}, "example": NDJSON_EXAMPLE}}},
        **problems("invalid_request", "invalid_cursor", "job_not_ended", *JOB_CODES),
    },
)
async def scores(request: Request, job_id: JobId, query: Annotated[ScoresQuery, Query()], jobs: JobsDep) -> Response:
    """As JSON: one page, open items included, with their state and without scores; with `order=best`, the best by the
    job's aggregate first, once it has ended. As NDJSON (by the Accept
    header, or `format=ndjson`): every item on a line of its own as it finishes, until the job has ended."""
    job = await run_in_threadpool(jobs.get, job_id)
    if query.format == "ndjson" or (query.format is None and _accepts_ndjson(request)):
        _check_no_page(query)
        return StreamingResponse(follow(jobs, job, 0, lines), media_type=NDJSON, headers=_UNBUFFERED)
    return await run_in_threadpool(_page, jobs, job_id, query)


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    summary="A job's events",
    response_description="Server-Sent Events, until the job has ended.",
    responses={
        200: {"content": {EVENTS: {"schema": {"type": "string"}, "example": events_example()}}},
        204: {"description": "The client has seen the end: there is nothing more to come, and no need to reconnect."},
        **problems("invalid_request", *JOB_CODES),
    },
)
async def events(
    job_id: JobId,
    jobs: JobsDep,
    last: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="The id of the last event that you have seen: goes on after it"),
    ] = None,
) -> Response:
    """`item`: an item that has ended, as in `scores`. `job`: the job, at first, when its state has changed, and at the
    end, after the last item. The id of an event is the number of items sent so far, that of the last one `end`.
    Comments come when nothing else does."""
    job = await run_in_threadpool(jobs.get, job_id)
    seen = last_event(last, job.counts.total)
    if seen is None:
        return Response(status_code=204)
    render = Events(jobs.shown_id(job), seen, lambda job: jobs.prospects([job])[0])
    return StreamingResponse(follow(jobs, job, seen, render), media_type=EVENTS, headers=_UNBUFFERED)


def _page(jobs: JobsDep, job_id: str, query: ScoresQuery) -> Response:
    job = jobs.get(job_id)
    page = jobs.page(job, query.limit, query.cursor, query.order)
    items: list[Any] = jobs.shown(job, page.items)
    return JsonResponse({"items": items, "next_cursor": page.next_cursor})


def _accepts_ndjson(request: Request) -> bool:
    accepted = request.headers.get("accept", "").lower()
    return any(part.partition(";")[0].strip() == NDJSON for part in accepted.split(","))


def _check_no_page(query: ScoresQuery) -> None:
    faults = [
        Fault(name, "has no meaning for NDJSON", f"leave {name} out: a stream holds all items")
        for name in ("limit", "cursor", "order")
        if getattr(query, name) not in (None, "request")
    ]
    if faults:
        raise InvalidRequest.of(*faults)
