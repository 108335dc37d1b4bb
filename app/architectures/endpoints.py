"""Genotypes over HTTP: what they are, and how others write them. Nothing is scored and nothing is kept."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Body
from starlette.responses import Response

from app.answers import JsonResponse
from app.architectures.schemas import (
    CONVERT_EXAMPLES,
    VALIDATE_EXAMPLES,
    ConversionView,
    ConvertRequest,
    ValidateRequest,
    ValidationView,
)
from app.architectures.service import convert, validate
from app.auth import CallerDep
from app.deps import SettingsDep, StoreDep
from app.jobs.room import check_allowance
from app.json_body import JsonRoute
from app.problems import STORE_CODES, problems

router = APIRouter(prefix="/v1/architectures", tags=["architectures"], route_class=JsonRoute)

_CODES: Final = (
    "invalid_json",
    "body_too_large",
    "unsupported_media_type",
    "invalid_request",
    "unknown_space",
    "rate_limited",
    *STORE_CODES,
)


@router.post(
    "/validate",
    response_model=ValidationView,
    summary="Check genotypes",
    response_description="Every genotype, in the order of the request: what it is, or what is wrong with it.",
    responses=problems("invalid_settings", *_CODES),
)
def validate_genotypes(
    body: Annotated[ValidateRequest, Body(openapi_examples=VALIDATE_EXAMPLES)],
    store: StoreDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """Reads genotypes as a job would, and scores none. A genotype that does not say what it is comes back with all that
    it could be. What a batch decides, such as memory, is found out when a job is submitted."""
    check_allowance(len(body.architectures), caller, store, settings)
    return JsonResponse(validate(body))


@router.post(
    "/convert",
    response_model=ConversionView,
    summary="Write genotypes in another format",
    response_description="Every genotype, in the order of the request: in the format asked for, or why not.",
    responses=problems("unknown_format", "unsupported_for_proxy", *_CODES),
)
def convert_genotypes(
    body: Annotated[ConvertRequest, Body(openapi_examples=CONVERT_EXAMPLES)],
    store: StoreDep,
    settings: SettingsDep,
    caller: CallerDep,
) -> Response:
    """From any format of a space to any other. What a format cannot hold is never dropped: the genotype is refused, and
    says what would be lost."""
    check_allowance(len(body.architectures), caller, store, settings)
    return JsonResponse(convert(body))
