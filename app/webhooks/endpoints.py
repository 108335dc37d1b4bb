"""Deliveries over HTTP: what was sent to a job's webhook, and once more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.answers import JsonResponse
from app.deps import JobsDep
from app.jobs.endpoints import JOB_CODES, JobId
from app.json_body import JsonRoute
from app.problems import problems
from app.webhooks.schemas import DeliveryList, DeliveryView
from app.webhooks.service import deliveries, delivery_json, redeliver

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=JsonRoute)


@router.get(
    "/{job_id}/deliveries",
    response_model=DeliveryList,
    summary="What was sent to a job's webhook",
    responses=problems(*JOB_CODES),
)
def list_deliveries(job_id: JobId, jobs: JobsDep) -> Response:
    """Every attempt with its time and answer, and when the next one is. Empty until a job with a webhook has ended."""
    return JsonResponse({"items": [delivery_json(each) for each in deliveries(jobs, job_id)]})


@router.post(
    "/{job_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_model=DeliveryView,
    summary="Deliver to the webhook again",
    response_description="Due now.",
    responses=problems("unknown_delivery", *JOB_CODES),
)
def deliver_again(
    job_id: JobId, delivery_id: Annotated[str, Path(description="The delivery's id")], jobs: JobsDep
) -> Response:
    """Sends it now, with the same id, whether it was delivered, was given up, or waits; with all attempts before it."""
    return JsonResponse(delivery_json(redeliver(jobs, job_id, delivery_id)), 202)
