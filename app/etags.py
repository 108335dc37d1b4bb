"""What was read once need not be sent again while it is the same. Pure ASGI, next to the application."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import JSON_MEDIA_TYPE

#: What describes a body that is not sent.
_OF_A_BODY: Final = ("content-type", "content-length")


class ETags:
    """Gives every answer of JSON to a GET an `ETag`, and answers 304 to whoever has it. Streams have none."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        held: Message | None = None

        async def send_with_tag(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_json(message):
                held = message  # its headers depend on the body
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body", False):
                    message = _tagged(start, message, Headers(scope=scope).getlist("if-none-match"))
                await send(start)
            await send(message)

        await self.app(scope, receive, send_with_tag)


def _is_json(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == 200 and kind.partition(";")[0] == JSON_MEDIA_TYPE


def _tagged(start: Message, body: Message, known: list[str]) -> Message:
    """The body as it is to be sent, after the start was given its tag: nothing of it to whoever has it."""
    tag = f'"{hashlib.blake2b(body["body"], digest_size=16).hexdigest()}"'
    headers = MutableHeaders(scope=start)
    headers["ETag"] = tag
    if not _has(known, tag):
        return body
    start["status"] = 304
    for name in _OF_A_BODY:
        del headers[name]
    return {**body, "body": b""}


def _has(known: list[str], tag: str) -> bool:
    """Whether an `If-None-Match` names the tag, be it as a weak one (RFC 9110, 13.1.2)."""
    named = {each.strip().removeprefix("W/") for line in known for each in line.split(",")}
    return tag in named or "*" in named
