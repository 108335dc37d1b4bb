"""Jobs over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Header, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.answers import JsonResponse
from app.deps import JobsDep
from app.jobs.headers import idempotency_key, preferred_wait
from app.jobs.listing import newest
from app.jobs.request_examples import REQUEST_EXAMPLES
from app.jobs.schemas import JobList, JobsQuery, JobView, SubmitRequest, WaitQuery
from app.jobs.views import job_json, job_path
from app.jobs.waiting import until_ended
from app.json_body import JsonRoute
from app.problems import STORE_CODES, problems
from workers.records import TERMINAL_JOB, Job

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)

JobId = Annotated[str, Path(description="The job's id, as the answer to POST /v1/jobs gave it, or as you chose it")]
_Prefer = Annotated[
    str | None, Header(description="wait=N: answer when the job has ended, or after N seconds (RFC 7240)")
]

#: What any path about one job may answer.
JOB_CODES: Final = ("unknown_job", "job_expired", "job_deleted", *STORE_CODES)
OVERLOAD_CODES: Final = ("rate_limited", "quota_exceeded", "queue_full", "store_full")
_SUBMIT_CODES: Final = (
    "invalid_json",
    "body_too_large",
    "unsupported_media_type",
    "invalid_request",
    "unknown_space",
    "unknown_format",
    "ambiguous_format",
    "unsupported_for_proxy",
    "unknown_proxy",
    "unknown_aggregate",
    "invalid_aggregate",
    "unknown_reference",
    "reference_mismatch",
    "unknown_precision",
    "unknown_batch",
    "invalid_batch",
    "invalid_architecture",
    "invalid_settings",
    "too_large",
    "webhook_refused",
    "idempotency_mismatch",
    "job_expired",
    "job_deleted",
    *OVERLOAD_CODES,
    *STORE_CODES,
)
_ANSWERED: Final = {
    "Location": {"schema": {"type": "string"}, "description": "Where the job is"},
    "Preference-Applied": {"schema": {"type": "string"}, "description": "wait=N, if the client preferred to wait"},
}
_SUBMITTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": JobView,
        "description": "The job has ended: every score was known, or came while you waited.",
        "headers": _ANSWERED,
    },
    202: {"headers": _ANSWERED},
}


@router.post(
    "",
    status_code=202,
    response_model=JobView,
    summary="Score architectures",
    response_description="Queued. Location is where to look.",
    responses={**_SUBMITTED, **problems(*_SUBMIT_CODES)},
)
async def submit(
    request: Request,
    body: Annotated[SubmitRequest, Body(openapi_examples=REQUEST_EXAMPLES)],
    jobs: JobsDep,
    idempotency: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Any text that you use for this request alone: sent again with it, it is the same job again",
        ),
    ] = None,
    prefer: _Prefer = None,
) -> Response:
    """Checks all architectures, then queues a job. One bad architecture refuses the whole request, with every
    fault by position, and nothing is queued; `on_invalid: "fail"` makes it a failed item instead. Scores that are known
    already are not computed again."""
    key = idempotency_key(idempotency)
    job = await run_in_threadpool(jobs.submit, body, key=key)
    return await _submitted(request, jobs, job)


@router.put(
    "/{job_id}",
    status_code=202,
    response_model=JobView,
    summary="Score architectures, under an id of your own",
    response_description="Queued.",
    responses={**_SUBMITTED, **problems("job_id_taken", *_SUBMIT_CODES)},
)
async def put(
    request: Request,
    job_id: Annotated[
        str, Path(description="1 to 64 of the letters a-z and A-Z, digits, _ and -", examples=["warm-up-1"])
    ],
    body: Annotated[SubmitRequest, Body(openapi_examples=REQUEST_EXAMPLES)],
    jobs: JobsDep,
    prefer: _Prefer = None,
) -> Response:
    """As POST. The same request again is the same job again, and any other one under that id is refused: so it is
    safe to repeat until it is answered."""
    job = await run_in_threadpool(jobs.submit, body, job_id=job_id)
    return await _submitted(request, jobs, job)


@router.get(
    "",
    response_model=JobList,
    summary="Your jobs, newest first",
    responses=problems("invalid_request", "invalid_cursor", *STORE_CODES),
)
def list_jobs(query: Annotated[JobsQuery, Query()], jobs: JobsDep) -> Response:
    """One page. A key sees the jobs of its name, an admin's key all. Deleted and expired jobs are not listed."""
    found, cursor = newest(jobs, query)
    ahead = jobs.prospects(found)
    items: list[Any] = [job_json(job, jobs.shown_id(job), each) for job, each in zip(found, ahead, strict=True)]
    return JsonResponse({"items": items, "next_cursor": cursor})


@router.get(
    "/{job_id}",
    response_model=JobView,
    summary="A job now, or when it has ended",
    responses=problems("invalid_request", *JOB_CODES),
)
async def read(request: Request, job_id: JobId, query: Annotated[WaitQuery, Query()], jobs: JobsDep) -> Response:
    """With `wait`, answers as soon as the job has ended, and with its state then if it has not."""
    job = await until_ended(jobs, job_id, query.wait, request.is_disconnected)
    return JsonResponse(await run_in_threadpool(_shown, jobs, job))


@router.delete(
    "/{job_id}",
    status_code=204,
    summary="Delete a job",
    response_description="Deleted: it answers 410 from now on.",
    responses=problems("unknown_job", "job_expired", *STORE_CODES),
)
def delete(job_id: JobId, jobs: JobsDep) -> Response:
    """Cancels the job if it has not ended, and forgets it with all its results. Scores stay known. Safe to repeat."""
    jobs.delete(job_id)
    return Response(status_code=204)


@router.post(
    "/{job_id}/cancel",
    response_model=JobView,
    summary="Cancel a job",
    responses=problems(*JOB_CODES),
)
def cancel(job_id: JobId, jobs: JobsDep) -> Response:
    """Ends the job and keeps the results so far. A job that has ended stays as it is, so this is safe to repeat."""
    return JsonResponse(_shown(jobs, jobs.cancel(job_id)))


@router.post(
    "/{job_id}/retry",
    status_code=202,
    response_model=JobView,
    summary="Score failed items again",
    response_description="Queued, as a new job. Location is where to look.",
    responses={
        **_SUBMITTED,
        **problems(
            "job_not_ended",
            "nothing_to_retry",
            "unknown_batch",
            "invalid_batch",
            "invalid_request",
            *OVERLOAD_CODES,
            *JOB_CODES,
        ),
    },
)
async def retry(request: Request, job_id: JobId, jobs: JobsDep) -> Response:
    """Makes a new job of the items that failed; the old one has ended, and stays as it is. `retry_of` and each item's
    `retried_index` say where they come from. Safe to repeat: one job has one retry, and that may be retried in turn."""
    return await _submitted(request, jobs, await run_in_threadpool(jobs.retry, job_id))


async def _submitted(request: Request, jobs: JobsDep, job: Job) -> Response:
    """The answer to whoever submits a job, at once or when it has ended, as the client prefers."""
    headers = {"Location": job_path(jobs.shown_id(job)), "Vary": "Prefer"}
    wait = preferred_wait(request.headers.getlist("prefer"))
    if wait is not None:
        headers["Preference-Applied"] = f"wait={wait}"
        job = await until_ended(jobs, job.spec.id, wait, request.is_disconnected)
    status = 200 if job.status in TERMINAL_JOB else 202
    return JsonResponse(await run_in_threadpool(_shown, jobs, job), status, headers)


def _shown(jobs: JobsDep, job: Job) -> Any:
    return job_json(job, jobs.shown_id(job), jobs.prospects([job])[0])
