"""HTTP as uvicorn reads it, with bounds on what comes before any application does: a request's head.

uvicorn with httptools bounds neither how long a head is nor how long it takes. A client without a key could fill the
memory with one header, stall everybody else meanwhile (what came so far is copied with each piece), or keep connections
for ever that never ask for anything.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.errors import PROBLEM_MEDIA_TYPE, problem

#: More than any proxy lets through. What one read brings is not looked into: 256 KiB at most come on top.
MAX_HEAD: Final = 64 * 1024
#: Seconds from a connection, or from the first byte of a further request on it, until all headers have come.
HEAD_TIMEOUT: Final = 30.0


class BoundedHttp(HttpToolsProtocol):
    """Ends connections whose heads are too long, or take too long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._moved = False
        """Whether the last read began or ended a head, or held some of a body."""
        self._without = 0
        """Bytes since the last read that did: all of a head, or of what stands behind a body."""
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        self._without = 0 if self._moved else self._without + len(data)
        if self._without > MAX_HEAD and not self.transport.is_closing():
            self._end(f"the head has more than {MAX_HEAD} bytes; send fewer or shorter headers, or a shorter URL")

    def on_message_begin(self) -> None:
        self._moved = True
        self._wait_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._moved = True
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = True
        super().on_message_complete()

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(HEAD_TIMEOUT, self._end)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end(self, detail: str | None = None) -> None:
        """Close the connection, and say why if no other answer is on its way."""
        last: RequestResponseCycle | None = self.cycle
        if detail is not None and (last is None or last.response_complete):
            body = bytes(problem("head_too_large", detail, uuid4().hex).body)
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
                b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
                % (PROBLEM_MEDIA_TYPE.encode(), len(body), body)
            )
        self.transport.close()
