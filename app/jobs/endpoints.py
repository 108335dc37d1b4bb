"""Jobs over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from app.answers import JsonResponse
from app.deps import JobsDep
from app.errors import InvalidRequest
from app.jobs.schemas import REQUEST_EXAMPLES, JobView, ScorePage, ScoresQuery, SubmitRequest, WaitQuery
from app.jobs.views import item_json, job_json, job_path
from app.jobs.waiting import finished_lines, until_ended
from app.json_body import JsonRoute
from app.problems import STORE_CODES, problems
from proxy.errors import Fault

NDJSON: Final = "application/x-ndjson"

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)

JobId = Annotated[str, Path(description="The job's id, as the answer to POST /v1/jobs gave it")]

_REFUSALS: Final = (
    "invalid_json",
    "body_too_large",
    "unsupported_media_type",
    "invalid_request",
    "unknown_space",
    "unknown_format",
    "unknown_proxy",
    "unknown_precision",
    "unknown_batch",
    "invalid_batch",
    "invalid_architecture",
    "invalid_settings",
    "too_large",
)


@router.post(
    "",
    status_code=202,
    response_model=JobView,
    summary="Score architectures",
    response_description="Queued. Location is where to look.",
    responses={
        200: {"model": JobView, "description": "Every score was known: the job is completed already."},
        **problems(*_REFUSALS, "store_full", *STORE_CODES),
    },
)
def submit(
    request: Annotated[SubmitRequest, Body(openapi_examples=REQUEST_EXAMPLES)],
    jobs: JobsDep,
) -> Response:
    """Checks all architectures, then queues a job. One bad architecture refuses the whole request, with every
    fault by position, and nothing is queued. Scores that are known already are not computed again."""
    job = jobs.submit(request)
    status = 200 if job.status == "completed" else 202
    return JsonResponse(job_json(job), status, {"Location": job_path(job.spec.id)})


@router.get(
    "/{job_id}",
    response_model=JobView,
    summary="A job now, or when it has ended",
    responses=problems("unknown_job", "invalid_request", *STORE_CODES),
)
async def read(request: Request, job_id: JobId, query: Annotated[WaitQuery, Query()], jobs: JobsDep) -> Response:
    """With `wait`, answers as soon as the job has ended, and with its state then if it has not."""
    job = await until_ended(jobs, job_id, query.wait, request.is_disconnected)
    return JsonResponse(job_json(job))


@router.get(
    "/{job_id}/scores",
    response_model=ScorePage,
    summary="A job's items and their scores",
    response_description="A page in the order of the request, or all items as they finish.",
    responses={
        200: {"content": {NDJSON: {"schema": {"type": "string"}, "example": '{"index": 0, "id": null}\n'}}},
        **problems("unknown_job", "invalid_request", "invalid_cursor", *STORE_CODES),
    },
)
async def scores(request: Request, job_id: JobId, query: Annotated[ScoresQuery, Query()], jobs: JobsDep) -> Response:
    """As JSON: one page, open items included, with their state and without scores. As NDJSON (by the Accept
    header, or `format=ndjson`): every item on a line of its own as it finishes, until the job has ended."""
    job = await run_in_threadpool(jobs.get, job_id)
    if query.format == "ndjson" or (query.format is None and _accepts_ndjson(request)):
        _check_no_page(query)
        headers = {"X-Accel-Buffering": "no"}  # else nginx holds lines back
        return StreamingResponse(finished_lines(jobs, job), media_type=NDJSON, headers=headers)
    return await run_in_threadpool(_page, jobs, job_id, query)


@router.post(
    "/{job_id}/cancel",
    response_model=JobView,
    summary="Cancel a job",
    responses=problems("unknown_job", *STORE_CODES),
)
def cancel(job_id: JobId, jobs: JobsDep) -> Response:
    """Ends the job and keeps the results so far. A job that has ended stays as it is, so this is safe to repeat."""
    return JsonResponse(job_json(jobs.cancel(job_id)))


def _page(jobs: JobsDep, job_id: str, query: ScoresQuery) -> Response:
    job = jobs.get(job_id)
    page = jobs.page(job, query.limit, query.cursor)
    items: list[Any] = [item_json(item, job.spec) for item in page.items]
    return JsonResponse({"items": items, "next_cursor": page.next_cursor})


def _accepts_ndjson(request: Request) -> bool:
    accepted = request.headers.get("accept", "").lower()
    return any(part.partition(";")[0].strip() == NDJSON for part in accepted.split(","))


def _check_no_page(query: ScoresQuery) -> None:
    faults = [
        Fault(name, "has no meaning for NDJSON", f"leave {name} out: a stream holds all items")
        for name in ("limit", "cursor")
        if getattr(query, name) is not None
    ]
    if faults:
        raise InvalidRequest.of(*faults)
