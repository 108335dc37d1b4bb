"""Signatures after Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, so that a receiver knows who sent it,
what was sent, and when."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

#: Bytes of a secret, by the standard.
MIN_BYTES: Final = 24
MAX_BYTES: Final = 64
_PREFIX: Final = "whsec_"


def key_of(secret: str) -> bytes:
    """The key that a secret holds.

    Raises:
        ValueError: it is not `whsec_` and the base64 of 24 to 64 bytes. The message does not hold it.
    """
    if not re.fullmatch(rf"{_PREFIX}[A-Za-z0-9+/]+={{0,2}}", secret):
        raise ValueError("no secret")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError("too short or too long")
    return key


def signed_headers(secret: str, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What goes with a delivery. `timestamp` is that of the attempt, in seconds."""
    content = f"{delivery_id}.{timestamp}.".encode() + body
    digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
