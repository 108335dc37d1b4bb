"""Who may come in, and how often. Pure ASGI: a refusal is sent before anything of the body is read.

Every path needs a key but those of `OPEN_PATHS`, so that no route can be forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import errors
from app.answers import rate_headers
from app.auth import Caller, identify
from app.errors import ApiError, Forbidden
from app.exposure import is_loopback
from app.telemetry.endpoints import METRICS_PATH
from workers.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from app.settings import Settings
    from workers.records import Rate
    from workers.store import Store

#: Probes have no key; the rest says only what this software is: how to use it, and what its errors mean.
OPEN_PATHS: Final = ("/livez", "/readyz", "/openapi.json", "/docs", "/v1/problems", "/v1/problems/")
#: Methods that change nothing.
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: What takes a body, and changes nothing either.
_READING_POSTS: Final = ("/v1/architectures/validate", "/v1/architectures/convert")


class Gate:
    """Finds out who sends a request, leaves it for `auth.get_caller`, and counts it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            caller, rate = await run_in_threadpool(self._admit, scope)
        except (ApiError, StoreError) as error:
            if scope["path"] == METRICS_PATH and isinstance(error, StoreUnavailable):
                # Metrics say that Redis is away; without a caller, nothing else of what it knows.
                await self.app(scope, receive, send)
                return
            await errors.answer(Request(scope), error)(scope, receive, send)
            return
        scope["state"]["caller"] = caller
        await self.app(scope, receive, send if rate is None else _telling(rate, send))

    def _admit(self, scope: Scope) -> tuple[Caller, Rate | None]:
        """Who it is, and what is left of its allowance, if it has one.

        Raises:
            ApiError, StoreError: it is not let in.
        """
        store: Store = scope["state"]["store"]
        authorization = Headers(scope=scope).get("authorization")
        caller = identify(authorization, store.api_keys, self.settings.access, from_here=_is_from_here(scope))
        rate = None
        if caller.name is not None and scope["path"] != METRICS_PATH:
            rate = store.rates.take("requests", caller.name, 1, self.settings.requests_per_minute)
        if caller.role == "read" and not changes_nothing(scope["method"], scope["path"]):
            raise Forbidden(f"a key with role 'read' may not {scope['method']}; use one with role 'user'")
        return caller, rate


def changes_nothing(method: str, path: str) -> bool:
    """Whether a request is one of those that a key with role 'read' may send."""
    return method in _READING or (method == "POST" and path in _READING_POSTS)


def is_open(path: str) -> bool:
    """Whether a path needs no key."""
    return path in OPEN_PATHS or path.startswith(OPEN_PATHS[-1])


def _telling(rate: Rate, send: Send) -> Send:
    async def send_with_rate(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in rate_headers(rate).items():
                headers.append(name, value)  # beside the one of another allowance that an endpoint put there
        await send(message)

    return send_with_rate


def _is_from_here(scope: Scope) -> bool:
    """Whether both ends are on this machine, as far as the server can tell: a reverse proxy hides the far one, unless
    it sends X-Forwarded-For. What listens elsewhere than on TCP is not known to be."""
    ends = (scope.get("server"), scope.get("client"))
    return all(end is not None and is_loopback(end[0]) for end in ends)
