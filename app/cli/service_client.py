"""A client of a running service, and its failures in words that help."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from app.cli.errors import CommandError, UsageError

_TOKEN: Final = re.compile(r"[!-~]*")
KEY_HINT: Final = "set CROZE_API_KEY to the token that `croze keys add` printed there"
#: A stream that is silent for longer is opened again: an item may take minutes, so silence alone is no fault.
_TIMEOUT: Final = httpx.Timeout(30.0, read=300.0)


@contextmanager
def connected(url: str, key: str | None = None) -> Iterator[httpx.Client]:
    """A client of the service at `url`.

    Args:
        key: what lets it in; "" for none. None: what CROZE_API_KEY says, because everybody on a machine can read a
            command line.

    Raises:
        UsageError: that is no URL, or no key.
        CommandError: nobody answers there.
    """
    try:
        # A proxy that the environment names cannot reach our loopback.
        local = httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
        token = os.environ.get("CROZE_API_KEY", "") if key is None else key
        if not _TOKEN.fullmatch(token):
            raise UsageError("CROZE_API_KEY holds what no token does: spaces, or other than ASCII", [KEY_HINT])
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=not local) as client:
            yield client
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise UsageError(f"{url!r} is no URL of a service; e.g. http://127.0.0.1:8000") from error
    except httpx.TransportError as error:
        raise CommandError(
            f"no answer from {url}: {str(error) or type(error).__name__}",
            ["is it running? `croze up` starts a service here; --local scores without one"],
        ) from error


def json_of(answer: httpx.Response) -> dict[str, Any]:
    """The object in a body; empty if a bad answer has none.

    Raises:
        CommandError: a good answer has none, so it is not from a service of ours.
    """
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        if answer.is_success:
            raise CommandError(f"{answer.url} is not a CRoZe service: its answer is not the JSON object expected")
        return {}
    return body
