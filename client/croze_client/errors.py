"""What can go wrong between a program and the service. All of it is a `CrozeError`.

CrozeError
  ApiError                the service answered, and the answer is a problem
    Refused               the request is not valid: it will be refused again
    AccessDenied          no key, an unknown one, or one that may not do this
    JobUnknown            there is no such job
    JobGone               there was one: it was deleted, or has expired
    Conflict              the id or key is taken, or the job is in the wrong state
    Overloaded            there is no room now, and waiting did not help
    ServiceFailed         the service made a mistake
  ServiceUnreachable      nobody answers
  WaitTimeout             the job has not ended in the time that the caller gave it
  JobLost                 the service has forgotten the job again and again
  IncompatibleServer      the answer lacks what this client needs
  BadInput                refused before anything was sent; a ValueError too
    MixedSpaces           architectures of two spaces in one job
    DuplicateIds          two architectures of one job have the same id
  LocalServerFailed       `local_server` could not start a service
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request, where it is, and how to mend it."""

    at: str
    problem: str
    repair: str

    def __str__(self) -> str:
        return f"{self.at}: {self.problem}; {self.repair}" if self.at else f"{self.problem}; {self.repair}"


class CrozeError(Exception):
    """Base of all errors of this package."""

    code: str = "client_error"
    """Stable: never changes its meaning."""

    def __init__(self, problem: str, repair: str = "") -> None:
        super().__init__(f"{problem}; {repair}" if repair else problem)
        self.problem = problem
        """What is wrong."""
        self.repair = repair
        """What to do about it; "" if nobody knows."""

    def __reduce__(self) -> tuple[object, ...]:
        # Pools of processes send errors as pickles, and a message is not what a subclass is made of.
        return _copied, (type(self), self.args), self.__dict__


def _copied(kind: type[CrozeError], args: tuple[object, ...]) -> CrozeError:
    return kind.__new__(kind, *args)


class ApiError(CrozeError):
    """The service answered with a problem (RFC 9457)."""

    def __init__(self, status: int, body: Mapping[str, Any], reason: str = "") -> None:
        """
        Args:
            status: the HTTP status.
            body: the problem document; empty if the answer had none.
            reason: what to say if it had none.
        """
        problem, _, repair = str(body.get("detail") or reason or f"status {status}").partition("; ")
        super().__init__(problem, repair)
        self.status = status
        self.code = str(body.get("code") or f"http_{status}")
        self.title = str(body.get("title") or reason)
        faults = body.get("faults")
        self.faults = tuple(map(_fault, faults)) if isinstance(faults, list) else ()
        """Everything that is wrong, as far as it has a place in the request."""
        request_id = body.get("request_id")
        self.request_id = request_id if isinstance(request_id, str) else None
        """By which the service's log knows the request."""


class Refused(ApiError):
    """The request is not valid; sent again, it would be refused again."""


class AccessDenied(ApiError):
    """The service wants a key, or another one."""


class JobUnknown(ApiError):
    """There is no such job, or it is somebody else's."""


class JobGone(ApiError):
    """There was such a job; it was deleted, or has expired."""


class Conflict(ApiError):
    """The id or key belongs to another request, or the job is not in a state to do this."""


class Overloaded(ApiError):
    """The service has no room, or this key no allowance left, and waiting did not help."""


class ServiceFailed(ApiError):
    """The service made a mistake, and asking again did not help."""


class _AboutJob(CrozeError):
    def __init__(self, problem: str, repair: str = "", *, job_id: str | None = None) -> None:
        super().__init__(problem, repair)
        self.job_id = job_id
        """The job that this is about, if there is one."""


class ServiceUnreachable(_AboutJob):
    """Nobody answers, or the connection breaks again and again. A job that was submitted goes on without us."""

    code = "unreachable"


class WaitTimeout(_AboutJob):
    """The job has not ended in time. It goes on."""

    code = "wait_timeout"


class JobLost(_AboutJob):
    """The service took the job and forgot it, several times over."""

    code = "job_lost"


class IncompatibleServer(CrozeError):
    """An answer that is not what this client knows how to read."""

    code = "incompatible_server"

    def __init__(self, missing: str, client_version: str, server_version: str | None) -> None:
        server = (
            f"the service is version {server_version}" if server_version else "the service does not say its version"
        )
        super().__init__(
            f"{missing}: this client is version {client_version}, {server}",
            "install a croze-client of the service's version",
        )
        self.client_version = client_version
        self.server_version = server_version


class BadInput(CrozeError, ValueError):
    """The request is not valid. It was not sent."""

    code = "bad_input"


class MixedSpaces(BadInput):
    """Architectures of more than one space in one job."""

    code = "mixed_spaces"


class DuplicateIds(BadInput):
    """Two architectures of one job have the same id."""

    code = "duplicate_ids"


class LocalServerFailed(CrozeError):
    """`local_server` could not start a service."""

    code = "local_server_failed"


_BY_CODE: Final[Mapping[str, type[ApiError]]] = {
    "unknown_job": JobUnknown,
    "job_expired": JobGone,
    "job_deleted": JobGone,
    "idempotency_mismatch": Conflict,
}
_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    401: AccessDenied,
    403: AccessDenied,
    409: Conflict,
    429: Overloaded,
    503: Overloaded,
}


def api_error(status: int, body: Mapping[str, Any], reason: str = "") -> ApiError:
    """The error that an answer stands for."""
    usual = _BY_STATUS.get(status, Refused if status < 500 else ServiceFailed)
    return _BY_CODE.get(str(body.get("code")), usual)(status, body, reason)


def _fault(value: object) -> Fault:
    fields = value if isinstance(value, Mapping) else {}
    return Fault(*(str(fields.get(name, "")) for name in ("at", "problem", "repair")))
