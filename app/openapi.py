"""What FastAPI's own OpenAPI document lacks or gets wrong for this service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from app.answers import JSON_MEDIA_TYPE
from app.errors import PROBLEMS
from app.gate import changes_nothing, is_open
from app.problems import STORE_CODES, FaultView, ProblemView, add_problem

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION: Final = """\
Scores neural architectures for accuracy and robustness before training, by CRoZe and other zero-cost proxies.

Post genotypes to `/v1/jobs`, follow `Location` (with `?wait=30`), read `scores`. Every error is an
`application/problem+json` with a stable `code`, listed at `/v1/problems`.

Whether a key is needed is the operator's choice (`croze keys`). If so, it goes into `Authorization: Bearer <key>`,
`RateLimit` says how much of its allowance is left, and jobs of other keys do not exist for it.

This page loads Swagger UI from a CDN; `/openapi.json` needs nothing but this service.
"""

#: What any path may answer that is not open. The store is asked for the key.
_GATE_CODES: Final = ("missing_key", "invalid_key", "rate_limited", *STORE_CODES)

TAGS: Final = [
    {"name": "jobs", "description": "Submit architectures, wait, read scores, cancel."},
    {"name": "architectures", "description": "Check genotypes and convert them, without scoring."},
    {"name": "catalog", "description": "Spaces, proxies, aggregates and batches that jobs can name."},
    {"name": "service", "description": "Health, and the table of errors."},
]


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`."""
    if app.openapi_schema is None:
        app.openapi_schema = _build(app)
    return app.openapi_schema


def _build(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        tags=app.openapi_tags,
        routes=app.routes,
    )
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    # FastAPI documents its own shape of a 422, which this service never sends.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operation in (operation for path in schema["paths"].values() for operation in path.values()):
        if "application/json" in operation["responses"].get("422", {}).get("content", {}):
            del operation["responses"]["422"]
        for response in operation["responses"].values():
            response.setdefault("headers", {})["X-Request-ID"] = {
                "schema": {"type": "string"},
                "description": "The request's id: the client's own, or a new one",
            }
            response["headers"]["Server-Timing"] = {
                "schema": {"type": "string"},
                "description": "Milliseconds until the answer began, and how many of them went into what",
            }
    _document_tags(schema)
    _document_gate(schema)
    for model in (ProblemView, FaultView):
        own = model.model_json_schema(ref_template="#/components/schemas/{model}")
        own.pop("$defs", None)
        schemas[model.__name__] = own
    return schema


def _document_tags(schema: dict[str, Any]) -> None:
    """What `app/etags.py` does to every answer of JSON to a GET."""
    for operation in (operations["get"] for operations in schema["paths"].values() if "get" in operations):
        found = operation["responses"].get("200")
        if found is None or JSON_MEDIA_TYPE not in found.get("content", {}):
            continue
        tag = {"schema": {"type": "string"}, "description": "Of the JSON: send it as If-None-Match"}
        found["headers"]["ETag"] = tag
        operation["responses"]["304"] = {
            "description": "It is what If-None-Match names: nothing is sent again",
            "headers": {**found["headers"]},
        }


def _document_gate(schema: dict[str, Any]) -> None:
    """What `app/gate.py` does to every path that is not open, whoever wrote its route."""
    schema["components"]["securitySchemes"] = {
        "api_key": {"type": "http", "scheme": "bearer", "description": "A token of `croze keys add`"}
    }
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if is_open(path):
                continue
            operation["security"] = [{"api_key": []}, {}]  # {}: not needed where nobody ever made a key
            forbidden = () if changes_nothing(method.upper(), path) else ("forbidden",)
            for code in (*_GATE_CODES, *forbidden):
                add_problem(operation["responses"], str(PROBLEMS[code].status), code)
