"""Who may come in. Pure ASGI: it answers before the body is read."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth import ANYBODY


class Gate:
    """Finds out who sends a request, and leaves it for `auth.get_caller`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["state"]["caller"] = ANYBODY
        await self.app(scope, receive, send)
