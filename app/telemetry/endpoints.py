"""Metrics for Prometheus."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import PlainTextResponse, Response

from app.deps import StoreDep
from app.json_body import JsonRoute
from app.problems import problems
from app.telemetry.figures import FiguresCollector

METRICS_PATH: Final = "/metrics"

router = APIRouter(tags=["service"], route_class=JsonRoute)


def new_registry() -> CollectorRegistry:
    """A registry for one application, with what the system says of this process."""
    # When each series was first seen is of no use, and is a series more.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


@router.get(
    METRICS_PATH,
    response_class=PlainTextResponse,
    summary="Metrics for Prometheus",
    responses={
        200: {
            "description": "Prometheus' text format, version 0.0.4",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": "croze_redis_up 1.0\n"}},
        },
        **problems(),
    },
)
def metrics(request: Request, store: StoreDep) -> Response:
    """Queue, items, workers and this process' requests. While Redis is away, `croze_redis_up` is 0 and what only
    Redis knows is left out: a scrape never fails because of it. Every metric is explained in docs/metrics.md."""
    own: CollectorRegistry = request.state.registry
    shared = CollectorRegistry()
    # No caller: the gate could not ask Redis who it is, and let it in to see that.
    shared.register(FiguresCollector(store if hasattr(request.state, "caller") else None))
    return Response(generate_latest(own) + generate_latest(shared), media_type=CONTENT_TYPE_PLAIN_0_0_4)
