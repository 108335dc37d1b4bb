"""The table of errors as a resource, and as documentation of every other one."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from app.answers import JsonResponse, View
from app.errors import PROBLEM_MEDIA_TYPE, PROBLEMS, NotFound
from app.json_body import JsonRoute
from proxy.errors import allowed_names, shown

router = APIRouter(prefix="/v1/problems", tags=["service"], route_class=JsonRoute)

#: What any path that needs Redis may answer.
STORE_CODES: Final = ("store_unavailable", "store_failed", "schema_mismatch")


_RETRY_AFTER: Final = {"schema": {"type": "integer"}, "description": "Seconds to wait before asking again"}
#: What else answers of a status carry.
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "The scheme: Bearer"}},
    429: {"Retry-After": _RETRY_AFTER},
    503: {"Retry-After": _RETRY_AFTER},
}


class FaultView(View):
    """One thing that is wrong, where it is, and how to mend it."""

    at: str = Field(examples=["architectures[3]: node 2, edge 1"])
    problem: str
    repair: str


class ProblemView(View):
    """An error, after RFC 9457."""

    type: str = Field(description="Where the code is explained")
    title: str
    status: int
    code: str = Field(description="Stable: never changes its meaning")
    detail: str = Field(description="What is wrong with which value, what is allowed, and the repair")
    faults: list[FaultView] | None = Field(None, description="Everything that is wrong, if it has a place")
    faults_omitted: int | None = Field(None, description="How many faults more there are than are listed")
    request_id: str


class ProblemKind(View):
    """What a code means."""

    code: str
    status: int
    title: str


class ProblemKinds(View):
    items: list[ProblemKind]


def _example(code: str) -> dict[str, Any]:
    kind = PROBLEMS[code]
    return {
        "type": f"/v1/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "detail": "what is wrong; what is allowed",
        "request_id": "5f0c9bd6e7e04a0ea5b6ecf3dcb0d2f4",
    }


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route that may answer with these codes: one entry a status, one example a code."""
    responses: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, "host_not_allowed", "internal_error"):
        add_problem(responses, PROBLEMS[code].status, code)
    return responses


def add_problem(responses: dict[Any, dict[str, Any]], status: int | str, code: str) -> None:
    """Document one more code under a status."""
    kind = PROBLEMS[code]
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}, "examples": {}}}
    entry = responses.setdefault(status, {"description": "", "content": content})
    examples = entry["content"][PROBLEM_MEDIA_TYPE]["examples"]
    if code not in examples:
        examples[code] = {"summary": kind.title, "value": _example(code)}
        entry["description"] = "; ".join(filter(None, [entry["description"], f"{kind.title} ({code})"]))
    if kind.status in _HEADERS:
        entry["headers"] = dict(_HEADERS[kind.status])


@router.get("", response_model=ProblemKinds, summary="All error codes")
def list_problems() -> Response:
    """Every `code` that an error can carry, with its status."""
    return JsonResponse({"items": [_kind(code) for code in PROBLEMS]})


@router.get("/{code}", response_model=ProblemKind, summary="One error code", responses=problems("not_found"))
def read_problem(code: str) -> Response:
    """What an error's `type` points to."""
    if code not in PROBLEMS:
        raise NotFound(f"error code {shown(code)} does not exist; {allowed_names(code, PROBLEMS)}")
    return JsonResponse(_kind(code))


def _kind(code: str) -> dict[str, Any]:
    return {"code": code, "status": PROBLEMS[code].status, "title": PROBLEMS[code].title}
