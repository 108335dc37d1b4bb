"""Workers over HTTP."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import Response

from app.answers import JsonResponse, timestamp
from app.deps import JobsDep, StoreDep
from app.errors import UnknownJob
from app.fleet.schemas import WorkerList
from app.jobs.service import Jobs
from app.json_body import JsonRoute
from app.problems import STORE_CODES, problems
from proxy.json_types import JsonObject
from proxy.numerics import REVISION
from workers.records import SeenWorker

router = APIRouter(prefix="/v1/workers", tags=["service"], route_class=JsonRoute)


@router.get("", response_model=WorkerList, summary="The workers that are alive", responses=problems(*STORE_CODES))
def list_workers(store: StoreDep, jobs: JobsDep) -> Response:
    """What each worker said of itself at its last heartbeat, by id. An empty list is no error: jobs wait."""
    figures = store.figures()
    return JsonResponse(
        {
            "items": [_worker_json(seen, jobs) for seen in figures.workers],
            "numerics": REVISION,
            "unserved_items": figures.items_unserved,
        }
    )


def _worker_json(seen: SeenWorker, jobs: Jobs) -> JsonObject:
    """A worker as `schemas.WorkerView`."""
    record = seen.record
    return {
        "id": record.id,
        "host": record.host,
        "pid": record.pid,
        "state": record.state,
        "job": record.job if record.job is not None and _is_visible(record.job, jobs) else None,
        "environment": None if record.environment is None else asdict(record.environment),
        "engine": {
            "pid": record.engine_pid,
            "memory_bytes": record.engine_memory,
            "restarts": record.engine_restarts,
        },
        "numerics": record.numerics,
        "scored": record.scored,
        "started_at": timestamp(record.started_at),
        "last_beat_at": timestamp(seen.beat_at),
        "last_beat_age": round(seen.beat_age, 3),
    }


def _is_visible(job_id: str, jobs: Jobs) -> bool:
    """Whether this job exists for the caller."""
    if jobs.caller.role == "admin":
        return True
    try:
        jobs.get(job_id)
    except UnknownJob:
        return False
    return True
