"""Page cursors: opaque to clients, and only what we gave out is taken back."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, Literal, TypeAlias

from app.errors import InvalidCursor
from proxy.errors import shown
from workers.store.listing import Mark

Order: TypeAlias = Literal["request", "best"]

_KINDS: Final[dict[Order, str]] = {"request": "item", "best": "best"}
_MARK: Final = re.compile(r"jobs:([0-9.e+]{1,30}):([0-9a-f]{32})")


def encode(start: int, order: Order = "request") -> str:
    """The cursor of the page that starts at item `start`."""
    return _encode(f"{_KINDS[order]}:{start}")


def decode(cursor: str, total: int, order: Order = "request") -> int:
    """The first item of the page, from 1 to `total` - 1.

    Raises:
        InvalidCursor: it is not one that `encode` gave for a job of this size, in that order.
    """
    try:
        start = int(_decode(cursor).removeprefix(f"{_KINDS[order]}:"))
    except ValueError:
        start = -1
    if not 0 < start < total or encode(start, order) != cursor:
        raise InvalidCursor(
            f"cursor {shown(cursor)} is not one of this job's; use next_cursor as it was given, or leave it out"
        )
    return start


def encode_mark(mark: Mark) -> str:
    """The cursor of the page that comes after that job."""
    return _encode(f"jobs:{mark.created_at!r}:{mark.job_id}")


def decode_mark(cursor: str) -> Mark:
    """The last job of the page before.

    Raises:
        InvalidCursor: it is not one that `encode_mark` gave.
    """
    found = _MARK.fullmatch(_decode(cursor))
    try:
        mark = Mark(float(found[1]), found[2]) if found else None
    except ValueError:
        mark = None
    if mark is None or encode_mark(mark) != cursor:
        raise InvalidCursor(
            f"cursor {shown(cursor)} is not one of this list's; use next_cursor as it was given, or leave it out"
        )
    return mark


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    """What was encoded; "" if nothing was."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
