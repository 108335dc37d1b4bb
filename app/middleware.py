"""What happens around every request. Pure ASGI, one class a concern; `main.create_app` writes the order."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import ApiError, BodyTooLarge, HostNotAllowed, problem
from proxy.errors import shown

logger = logging.getLogger("croze.api")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
#: Swagger UI loads its script from a CDN: the one page that such a policy would break.
DOCS_PATH: Final = "/docs"
#: `app.health`'s, for whoever watches over this process.
PROBE_PATHS: Final = ("/livez", "/readyz")


class RequestId:
    """Gives every request an id, the client's own if it is a sane one, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        # Anything else could forge lines in a log.
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        await self.app(scope, receive, send_with_id)


class SecurityHeaders:
    """Headers that keep a browser from doing more with an answer than showing it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    if not (name == "Content-Security-Policy" and scope["path"] == DOCS_PATH):
                        headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Unhandled:
    """Turns what nobody expected into a 500 that says nothing of the inside; the log has it all."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception:
            request_id = scope["state"]["request_id"]
            logger.exception("%s %s failed, request %s", scope["method"], shown(scope["path"]), request_id)
            if started:
                raise  # The server then breaks the connection, so that nobody takes half an answer for a whole one.
            text = f"an unexpected error; the service's log has it under request_id {request_id}"
            await problem("internal_error", text, request_id)(scope, receive, send)


class AllowedHosts:
    """Refuses requests for other host names: without this, any web page could reach a service on
    localhost by a name that resolves to 127.0.0.1 (DNS rebinding). Probes come by an address that nobody can list
    beforehand, and learn nothing."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "*" in self.hosts or scope["path"] in PROBE_PATHS:
            await self.app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        if _without_port(host).lower() in self.hosts:
            await self.app(scope, receive, send)
            return
        error = HostNotAllowed(
            f"host {shown(host)} is not allowed; allowed: {', '.join(sorted(self.hosts))} (set CROZE_ALLOWED_HOSTS)"
        )
        await _refuse(error, scope, receive, send)


class BodyLimit:
    """Refuses bodies over the limit before anything parses them, whether or not Content-Length is true.

    FastAPI's own `max_body_size` answers the Content-Length case with plain text, whatever handler is
    registered (starlette 1.10, `send_with_limit`); our errors are problems.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self.limit:
            await _refuse(self._error(), scope, receive, send)
            return
        seen = 0

        async def receive_within_limit() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                raise self._error()
            return message

        await self.app(scope, receive_within_limit, send)

    def _error(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body has more than {self.limit} bytes; send fewer architectures or images at a time, "
            f"or have CROZE_MAX_BODY raised"
        )


async def _refuse(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    answer = problem(error.code, error.message, scope["state"]["request_id"], error.faults)
    await answer(scope, receive, send)


def _without_port(host: str) -> str:
    """ "localhost:8000" -> "localhost", "[::1]:8000" -> "[::1]"."""
    return re.sub(r":\d*$", "", host)
