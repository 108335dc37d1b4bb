"""What all answers are made of: JSON that is built by hand, models that document it, and times."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

if TYPE_CHECKING:
    from workers.records import Rate

JSON_MEDIA_TYPE: Final = "application/json"


class JsonResponse(Response):
    """JSON that was built by hand: no second pass by pydantic over thousands of items.

    ASCII on the wire, so that whatever a client sent as text comes back as it was sent.
    """

    media_type = JSON_MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False).encode()


class View(BaseModel):
    """Base of the models that document answers. Answers are built by hand; tests hold them to these."""

    model_config = ConfigDict(extra="forbid", strict=True)


def timestamp(seconds: float | None) -> str | None:
    """Seconds since the epoch as RFC 3339 in UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rate_headers(rate: Rate) -> dict[str, str]:
    """An allowance and what is left of it (draft-ietf-httpapi-ratelimit-headers-11). Both fields are lists."""
    return {
        "RateLimit-Policy": f'"{rate.kind}";q={rate.per_minute};w=60',
        "RateLimit": f'"{rate.kind}";r={rate.left};t={math.ceil(rate.whole_in)}',
    }
