"""Aggregates over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.answers import JsonResponse
from app.catalog.schemas import AggregateList
from app.json_body import JsonRoute
from app.problems import problems
from proxy.aggregates import AGGREGATES, Aggregate
from proxy.json_types import JsonObject

router = APIRouter(prefix="/v1/aggregates", tags=["catalog"], route_class=JsonRoute)


@router.get("", response_model=AggregateList, summary="All aggregates with a name", responses=problems())
def list_aggregates() -> Response:
    """Which proxies each combines, in which spaces that was held against real accuracies, and where that is told. Jobs
    may combine any others."""
    return JsonResponse({"items": [aggregate_json(aggregate) for aggregate in AGGREGATES.values()]})


def aggregate_json(aggregate: Aggregate) -> JsonObject:
    """An aggregate as `schemas.AggregatePreset`."""
    return {
        "name": aggregate.name,
        "title": aggregate.title,
        "method": aggregate.method,
        "proxies": list(aggregate.proxies),
        "validated_on": list(aggregate.validated_on),
        "evidence": aggregate.evidence,
    }
