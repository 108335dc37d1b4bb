"""Proxies over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.answers import JsonResponse
from app.catalog.schemas import ProxyList
from app.json_body import JsonRoute
from app.problems import problems
from proxy.json_types import JsonObject
from proxy.proxies import PROXIES
from proxy.proxies._base import Proxy

router = APIRouter(prefix="/v1/proxies", tags=["catalog"], route_class=JsonRoute)


@router.get("", response_model=ProxyList, summary="All proxies", responses=problems())
def list_proxies() -> Response:
    """What each computes, in which direction it points, and the parts its values come with."""
    return JsonResponse({"items": [proxy_json(proxy) for proxy in PROXIES.values()]})


def proxy_json(proxy: Proxy) -> JsonObject:
    """A proxy as `schemas.ProxyView`."""
    return {
        "name": proxy.name,
        "title": proxy.title,
        "paper": proxy.paper,
        "definition": proxy.definition,
        "direction": proxy.direction,
        "revision": proxy.revision,
        "components": dict(proxy.components),
        "needs_batch": proxy.needs_batch,
    }
