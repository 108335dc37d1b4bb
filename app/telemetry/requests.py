"""What is counted, timed and logged of every request. Pure ASGI, around everything that can answer.

Labels are of a bounded number, whatever is sent: the template of a route and not its path, and only known methods.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers import logs, timings

#: One line a request. Its fields: method, route, status, duration_ms; and request_id and job_id as on every line.
access_log = logging.getLogger("croze.access")

#: What asks every few seconds is of no interest in a log.
_QUIET: Final = frozenset({"/livez", "/readyz", "/metrics"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_JOBS: Final = "/v1/jobs/"
_NO_ROUTE: Final = "none"
_JOB_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Until the last byte: reads take milliseconds, `?wait` a minute, and streams as long as their job.
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class RequestMetrics:
    """Counts of this process' requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "croze_http_requests", "Requests answered by this process", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "croze_http_request_seconds",
            "From a request's arrival to the last byte of its answer",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.active = Gauge("croze_http_requests_active", "Requests being answered, streams too", registry=registry)

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class Observed:
    """Counts, times and logs requests, and says in `Server-Timing` where the time went until the answer began."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        # What ends without an answer is a broken connection, or a mistake of ours.
        status, location = 500, ""

        async def send_and_note(message: Message) -> None:
            nonlocal status, location
            if message["type"] == "http.response.start":
                status = message["status"]
                total = time.perf_counter() - began
                headers = MutableHeaders(scope=message)
                headers["Server-Timing"] = _server_timing({**parts, "total": total})
                location = headers.get("location", "")
            await send(message)

        with (
            timings.collected() as parts,
            logs.bound(request_id=scope["state"]["request_id"]),
            self.metrics.active.track_inprogress(),
        ):
            try:
                await self.app(scope, receive, send_and_note)
            finally:
                with logs.bound(job_id=_job_id(scope, location)):
                    self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", _NO_ROUTE)
        self.metrics.add(method, route, status, seconds)
        fields = {"method": method, "route": route, "status": status, "duration_ms": round(seconds * 1000, 1)}
        level = logging.DEBUG if route in _QUIET else logging.INFO
        access_log.log(level, "%s %s %d in %.1f ms", *fields.values(), extra={"fields": fields})


def _job_id(scope: Scope, location: str) -> str | None:
    """The job that the path names, or that the answer says was made, if that has the form of one: anything else could
    forge lines in a log."""
    named = scope.get("path_params", {}).get("job_id") or location.removeprefix(_JOBS)
    return named if _JOB_ID.fullmatch(named) else None


def _server_timing(parts: Mapping[str, float]) -> str:
    """Milliseconds, after W3C Server Timing."""
    return ", ".join(f"{part};dur={seconds * 1000:.1f}" for part, seconds in parts.items())
