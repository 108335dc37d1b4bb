"""Search spaces over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.answers import JsonResponse
from app.catalog.schemas import SpaceList, SpaceView
from app.errors import NotFound
from app.json_body import JsonRoute
from app.problems import problems
from proxy.errors import allowed_names, shown
from proxy.json_types import JsonObject
from proxy.spaces import SPACES
from proxy.spaces._base import Space

router = APIRouter(prefix="/v1/spaces", tags=["catalog"], route_class=JsonRoute)


@router.get("", response_model=SpaceList, summary="All search spaces", responses=problems())
def list_spaces() -> Response:
    """Their settings with ranges and defaults, and their genotype formats with an example each."""
    return JsonResponse({"items": [space_json(space) for space in SPACES.values()]})


@router.get("/{name}", response_model=SpaceView, summary="One search space", responses=problems("not_found"))
def read_space(name: Annotated[str, Path(examples=["nasbench201"])]) -> Response:
    """The same as in the list of all."""
    if name not in SPACES:
        raise NotFound(f"space {shown(name)} does not exist; {allowed_names(name, SPACES)}")
    return JsonResponse(space_json(SPACES[name]))


def space_json(space: Space[Any]) -> JsonObject:
    """A space as `schemas.SpaceView`."""
    formats: list[Any] = [
        {
            "name": each.name,
            "summary": each.summary,
            "example": each.example,
            "self_describing": each.recognises(each.example),
            "canonical": each.name == space.canonical_format,
        }
        for each in space.formats.values()
    ]
    return {
        "name": space.name,
        "title": space.title,
        "paper": space.paper,
        "size": space.size,
        "operations": list(space.operations),
        "settings": [asdict(setting) for setting in space.settings],
        "formats": formats,
        "image_multiple": space.image_multiple,
    }
