"""Page cursors: opaque to clients, and only what we gave out is taken back."""

from __future__ import annotations

import base64
import binascii

from app.errors import InvalidCursor
from proxy.errors import shown


def encode(start: int) -> str:
    """The cursor of the page that starts at item `start`."""
    return base64.urlsafe_b64encode(f"item:{start}".encode()).decode().rstrip("=")


def decode(cursor: str, total: int) -> int:
    """The first item of the page, from 1 to `total` - 1.

    Raises:
        InvalidCursor: it is not one that `encode` gave for a job of this size.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        start = int(text.removeprefix("item:"))
    except (binascii.Error, ValueError):
        start = -1
    if not 0 < start < total or encode(start) != cursor:
        raise InvalidCursor(
            f"cursor {shown(cursor)} is not one of this job's; use next_cursor as it was given, or leave it out"
        )
    return start
