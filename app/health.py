"""Whether the process lives, whether it can take jobs, and what is to be found here."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.answers import JsonResponse, View
from app.deps import StoreDep
from app.json_body import JsonRoute
from app.problems import STORE_CODES, problems

router = APIRouter(tags=["service"], route_class=JsonRoute)


class Health(View):
    status: str


class Root(View):
    """Where everything is."""

    service: str
    links: dict[str, str]


@router.get("/livez", response_model=Health, summary="Whether the process lives", responses=problems())
async def livez() -> Response:
    """Looks at nothing else: restarting this process repairs nothing else."""
    return JsonResponse({"status": "ok"})


@router.get(
    "/readyz",
    response_model=Health,
    summary="Whether jobs can be taken",
    responses=problems("store_full", *STORE_CODES),
)
def readyz(store: StoreDep) -> Response:
    """Whether Redis can be written to. Workers are not looked at: jobs wait for them."""
    store.check_writable()
    return JsonResponse({"status": "ok"})


@router.get("/v1", response_model=Root, summary="Where everything is", responses=problems())
async def root() -> Response:
    """Links to all collections."""
    collections = ("jobs", "spaces", "proxies", "aggregates", "batches", "workers", "problems")
    links = {name: f"/v1/{name}" for name in collections}
    return JsonResponse({"service": "croze", "links": links | {"openapi": "/openapi.json", "docs": "/docs"}})
