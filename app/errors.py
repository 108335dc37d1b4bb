"""How every error becomes HTTP: one table, one shape (RFC 9457, application/problem+json).

An error carries a stable `code`; `PROBLEMS` gives the code its status and title. Domain errors of `proxy` and
`workers` are listed beside the API's own, so that this file shows all that a client can meet.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.answers import rate_headers
from app.validation import fault_of
from proxy.errors import Fault, ProxyError
from workers.errors import Overload, RateLimited, StoreError, StoreFull

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

logger = logging.getLogger("croze.api")

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
#: Faults listed in one answer; what is beyond is counted, so that 20,000 bad genotypes do not answer with megabytes.
MAX_FAULTS: Final = 50
#: Seconds a client is asked to wait when the store is away: Redis restarts in well under this.
RETRY_AFTER: Final = 2
#: The same when it is full: jobs and scores expire by the hour.
RETRY_AFTER_FULL: Final = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """What a code means over HTTP."""

    status: int
    title: str
    repair: str = ""
    """What to do, where the error itself cannot say it better."""


#: code -> what it means over HTTP. Codes never change meaning and are never reused.
PROBLEMS: Final[dict[str, Problem]] = {
    # The request itself
    "invalid_json": Problem(400, "The body is not JSON"),
    "missing_key": Problem(401, "The service needs a key"),
    "invalid_key": Problem(401, "The key is not known, or was revoked"),
    "forbidden": Problem(403, "The key's role does not allow this"),
    "not_found": Problem(404, "No such path"),
    "method_not_allowed": Problem(405, "The path does not take this method"),
    "body_too_large": Problem(413, "The body is larger than the limit"),
    "unsupported_media_type": Problem(415, "The body is of another media type than the path takes"),
    "head_too_large": Problem(431, "The URL and the headers are longer than the limit"),
    "host_not_allowed": Problem(421, "The Host header names another host than this service answers for"),
    "invalid_request": Problem(422, "A field or parameter is not valid"),
    "invalid_cursor": Problem(422, "The cursor was not given out by this service"),
    # What it names or holds
    "unknown_job": Problem(404, "No such job"),
    "unknown_score": Problem(404, "No such score is remembered"),
    "unknown_delivery": Problem(404, "The job has no such delivery"),
    "job_id_taken": Problem(409, "The id is another job's"),
    "job_not_ended": Problem(409, "The job has not ended"),
    "nothing_to_retry": Problem(409, "No item of the job can be retried"),
    "job_expired": Problem(410, "The job has expired"),
    "job_deleted": Problem(410, "The job was deleted"),
    "idempotency_mismatch": Problem(422, "The key or id was used for another request"),
    "webhook_refused": Problem(422, "The webhook's URL leads where nothing is sent"),
    "unknown_space": Problem(422, "No such search space"),
    "unknown_format": Problem(422, "The genotype's format is unknown or not clear"),
    "ambiguous_format": Problem(422, "The genotype could be meant in several formats"),
    "unsupported_for_proxy": Problem(422, "The genotype is of a space that no proxy scores here"),
    "lossy_conversion": Problem(422, "The format cannot hold all of the architecture"),
    "unknown_proxy": Problem(422, "No such proxy"),
    "unknown_aggregate": Problem(422, "No such aggregate"),
    "invalid_aggregate": Problem(422, "Ranks of these cannot be combined"),
    "unknown_reference": Problem(422, "There is no such thing to rank against"),
    "reference_mismatch": Problem(422, "What is to be ranked against was scored under other conditions"),
    "unknown_precision": Problem(422, "No such precision"),
    "unknown_batch": Problem(422, "No such batch"),
    "invalid_batch": Problem(422, "The batch cannot be fed to a network"),
    "invalid_architecture": Problem(422, "A genotype names no member of the space"),
    "invalid_settings": Problem(422, "A space setting is not valid"),
    "too_large": Problem(422, "Scoring would need more memory than the limit"),
    "invalid": Problem(422, "The request is not valid"),
    # How much at once
    "rate_limited": Problem(429, "The key's allowance per minute is used up"),
    "quota_exceeded": Problem(429, "The key has as much as it may have at a time"),
    "queue_full": Problem(429, "The service has too many open items"),
    # The service
    "internal_error": Problem(500, "The service made a mistake"),
    "store_unavailable": Problem(503, "Redis does not answer", f"try again in {RETRY_AFTER} seconds"),
    "store_full": Problem(503, "Redis has no room for more", "try again when older jobs have expired"),
    "store_failed": Problem(500, "Redis refused what was asked", "this is a mistake of the service"),
    "schema_mismatch": Problem(500, "Redis holds records of a newer release", "upgrade the service"),
}

_STATUS_CODES: Final = {problem.status: code for code, problem in PROBLEMS.items() if problem.status < 422}
_STATUS_CODES[404] = "not_found"


class ApiError(HTTPException):
    """Base of the API's own errors.

    It is an HTTPException because FastAPI turns anything else that is raised while it reads a body into a 400.
    """

    code: ClassVar[str]

    def __init__(self, message: str, faults: Sequence[Fault] = (), *, headers: dict[str, str] | None = None) -> None:
        super().__init__(PROBLEMS[self.code].status, message, headers)
        self.message = message
        self.faults = tuple(faults)


class InvalidJson(ApiError):
    """The body cannot be read as JSON."""

    code = "invalid_json"


class MissingKey(ApiError):
    """A key is needed, and none was sent."""

    code = "missing_key"


class InvalidKey(ApiError):
    """The key that was sent lets nobody in."""

    code = "invalid_key"


class Forbidden(ApiError):
    """The key is good, and its role does not allow this."""

    code = "forbidden"


class UnsupportedMediaType(ApiError):
    """The Content-Type is not what the path takes."""

    code = "unsupported_media_type"


class BodyTooLarge(ApiError):
    """The body has more bytes than the limit."""

    code = "body_too_large"


class HostNotAllowed(ApiError):
    """The Host header is not on the allow-list."""

    code = "host_not_allowed"


class InvalidRequest(ApiError):
    """A field or parameter is wrong by itself or beside another."""

    code = "invalid_request"

    @classmethod
    def of(cls, *faults: Fault) -> InvalidRequest:
        """One message out of all faults."""
        return cls(_summary(faults), faults)


class InvalidCursor(ApiError):
    """The cursor was not given out by this service."""

    code = "invalid_cursor"


class UnknownJob(ApiError):
    """No job of that id exists, or it has expired."""

    code = "unknown_job"


class NotFound(ApiError):
    """The path names a thing that does not exist."""

    code = "not_found"


def problem(
    code: str,
    detail: str,
    request_id: str | None,
    faults: Sequence[Fault] = (),
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The answer for an error, in the one shape that all errors have."""
    entry = PROBLEMS[code]
    body: dict[str, Any] = {
        "type": f"/v1/problems/{code}",
        "title": entry.title,
        "status": status or entry.status,
        "code": code,
        "detail": detail,
    }
    if faults:
        body["faults"] = [asdict(fault) for fault in faults[:MAX_FAULTS]]
    if len(faults) > MAX_FAULTS:
        body["faults_omitted"] = len(faults) - MAX_FAULTS
    body["request_id"] = request_id
    return Response(json.dumps(body), body["status"], headers, PROBLEM_MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Register the handlers. Whatever they do not know is `middleware.Unhandled`'s: a 500."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(ProxyError, _on_domain_error)
    app.add_exception_handler(StoreError, _on_store_error)
    app.add_exception_handler(Overload, _on_overload)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def answer(request: Request, error: ApiError | StoreError) -> Response:
    """The answer for an error that is met outside of the routes."""
    if isinstance(error, ApiError):
        return _on_api_error(request, error)
    return _on_overload(request, error) if isinstance(error, Overload) else _on_store_error(request, error)


def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    headers = dict(error.headers) if error.headers else None
    return problem(error.code, error.message, _id(request), error.faults, headers=headers)


def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProxyError)
    return problem(error.code, error.message, _id(request), error.faults)


def _on_store_error(request: Request, error: Exception) -> Response:
    """Where Redis is and what it said is for the log alone."""
    assert isinstance(error, StoreError)
    entry, request_id = PROBLEMS[error.code], _id(request)
    logger.warning("%s: %s, request %s", error.code, error.message, request_id)
    after = RETRY_AFTER_FULL if isinstance(error, StoreFull) else RETRY_AFTER
    headers = {"Retry-After": str(after)} if entry.status == 503 else None
    text = f"{entry.title}; {entry.repair} (the service's log has more under request_id {request_id})"
    return problem(error.code, text, request_id, headers=headers)


def _on_overload(request: Request, error: Exception) -> Response:
    assert isinstance(error, Overload)
    headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    if isinstance(error, RateLimited):
        headers |= rate_headers(error.rate)
    return problem(error.code, error.message, _id(request), headers=headers)


def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [fault_of(each) for each in error.errors()]
    return problem("invalid_request", _summary(faults), _id(request), faults)


def _on_http_exception(request: Request, error: Exception) -> Response:
    """What the framework raises by itself: 404, 405, and whatever its next release may add."""
    assert isinstance(error, HTTPException)
    allowed = _methods(request) or (error.headers or {}).get("Allow", "")
    detail = {
        "not_found": f"{request.url.path[:200]!r} does not exist; GET /v1 lists what does",
        "method_not_allowed": f"{request.method} is not taken here; allowed: {allowed}",
    }
    code = _STATUS_CODES.get(error.status_code, "invalid_request" if error.status_code < 500 else "internal_error")
    headers = dict(error.headers or {}) | ({"Allow": allowed} if error.status_code == 405 else {})
    text = detail.get(code, str(error.detail))
    return problem(code, text, _id(request), status=error.status_code, headers=headers)


def _methods(request: Request) -> str:
    """All methods that the path takes: the framework names only those of the first route that it finds."""
    found: set[str] = set()
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), request.url.path):
            found |= {method.upper() for method in operations}
    return ", ".join(sorted(found))


def _summary(faults: Sequence[Fault], limit: int = 3) -> str:
    """The first faults as one line; the list of all is in `faults`."""
    text = "; ".join(map(str, faults[:limit]))
    return f"{text}; and {len(faults) - limit} more" if len(faults) > limit else text


def _id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)
