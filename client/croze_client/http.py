"""Steps over HTTP: what the blocking and the asynchronous client share, and the two ways to perform a step."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, Final, TypedDict

import httpx

from croze_client._version import VERSION
from croze_client.errors import BadInput
from croze_client.steps import Ask, Emit, Lost, Open, Outcome, Pause, Read, Reply, Step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

DEFAULT_URL: Final = "http://127.0.0.1:8000"
_TOKEN: Final = re.compile(r"[!-~]*")
_CONNECT_S: Final = 10.0


class Connection(TypedDict):
    """How httpx is to reach the service."""

    base_url: str
    headers: dict[str, str]
    trust_env: bool


def connection(url: str | None, api_key: str | None) -> Connection:
    """
    Args:
        url: of the service; None: what CROZE_URL says, else where `croze up` listens.
        api_key: what lets us in, "" for none; None: what CROZE_API_KEY says.

    Raises:
        BadInput: that is no URL, or no key.
    """
    url = url or os.environ.get("CROZE_URL") or DEFAULT_URL
    token = os.environ.get("CROZE_API_KEY", "") if api_key is None else api_key
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise BadInput(f"{url!r} is no URL of a service", f"for example {DEFAULT_URL}")
    if not _TOKEN.fullmatch(token):
        raise BadInput("the API key holds what no key does: spaces, or other than ASCII", "copy it anew")
    headers = {"User-Agent": f"croze-client/{VERSION}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    # A proxy that the environment names cannot reach our loopback.
    return {"base_url": url, "headers": headers, "trust_env": parsed.host not in ("127.0.0.1", "localhost", "::1")}


class Performer:
    """Performs the steps of one plan, blocking."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._open = ExitStack()
        self._pieces: Iterator[bytes] = iter(())

    def perform(self, step: Step) -> Any:
        """What comes of a step."""
        match step:
            case Open():
                return self._open_stream(step)
            case Ask():
                try:
                    return _reply(self._http.request(**_request(step)))
                except httpx.RequestError as error:
                    return _lost(error)
            case Read():
                try:
                    return next(self._pieces, b"")
                except httpx.RequestError as error:
                    return _lost(error)
            case Pause():
                time.sleep(step.seconds)
            case Emit():
                raise AssertionError("nobody wants what this plan emits")
        return None

    def close(self) -> None:
        """Leave the open stream, if there is one."""
        self._pieces = iter(())
        self._open.close()

    def _open_stream(self, step: Open) -> Outcome:
        self.close()
        try:
            response = self._open.enter_context(self._http.stream(**_request(step)))
            if response.status_code != 200:
                response.read()
            else:
                self._pieces = response.iter_bytes()
            return _reply(response)
        except httpx.RequestError as error:
            return _lost(error)


class AsyncPerformer:
    """Performs the steps of one plan, and lets others run meanwhile."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._open = AsyncExitStack()
        self._pieces: AsyncIterator[bytes] | None = None

    async def perform(self, step: Step) -> Any:
        """What comes of a step."""
        match step:
            case Open():
                return await self._open_stream(step)
            case Ask():
                try:
                    return _reply(await self._http.request(**_request(step)))
                except httpx.RequestError as error:
                    return _lost(error)
            case Read():
                try:
                    return b"" if self._pieces is None else await anext(self._pieces, b"")
                except httpx.RequestError as error:
                    return _lost(error)
            case Pause():
                await asyncio.sleep(step.seconds)
            case Emit():
                raise AssertionError("nobody wants what this plan emits")
        return None

    async def close(self) -> None:
        """Leave the open stream, if there is one."""
        self._pieces = None
        await self._open.aclose()

    async def _open_stream(self, step: Open) -> Outcome:
        await self.close()
        try:
            response = await self._open.enter_async_context(self._http.stream(**_request(step)))
            if response.status_code != 200:
                await response.aread()
            else:
                self._pieces = response.aiter_bytes()
            return _reply(response)
        except httpx.RequestError as error:
            return _lost(error)


def _request(step: Ask) -> dict[str, Any]:
    return {
        "method": step.method,
        "url": step.path,
        "params": dict(step.params),
        "headers": dict(step.headers),
        "content": step.content,
        "timeout": httpx.Timeout(step.silence, connect=_CONNECT_S),
    }


def _reply(response: httpx.Response) -> Reply:
    body = response.content if response.is_closed else b""
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


def _lost(error: httpx.RequestError) -> Lost:
    return Lost(
        f"{type(error).__name__}{f': {error}' if str(error) else ''} ({error.request.method} {error.request.url})"
    )
