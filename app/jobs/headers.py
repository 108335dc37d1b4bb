"""Request headers that change how a job is submitted or followed."""

from __future__ import annotations

import re
from typing import Final

from app.errors import InvalidRequest
from app.jobs.schemas import MAX_WAIT_SECONDS
from app.validation import brief
from proxy.errors import Fault

MAX_KEY_LENGTH: Final = 255
_KEY: Final = re.compile(r"[\x21-\x7e]+")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_WAIT: Final = re.compile(r'wait\s*=\s*(?:(\d{1,9})|"(\d{1,9})")', re.IGNORECASE)

#: The id of a stream's last event: whoever has seen it has seen all.
END: Final = "end"


def idempotency_key(header: str | None) -> str | None:
    """The key in an `Idempotency-Key` header, bare or as a quoted string.

    Raises:
        InvalidRequest: it is empty, too long, or not of printable ASCII characters without spaces.
    """
    if header is None:
        return None
    text = header.strip()
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        repair = f"allowed: 1 to {MAX_KEY_LENGTH} printable ASCII characters without spaces, a UUID for example"
        raise InvalidRequest.of(Fault("Idempotency-Key", f"{brief(key)} is not allowed", repair))
    return key


def preferred_wait(headers: list[str]) -> int | None:
    """Seconds that a client prefers to wait for (RFC 7240), at most as many as we wait. Anything else that it prefers
    is none of our concern, and no error."""
    for header in headers:
        for preference in header.split(","):
            found = _WAIT.fullmatch(preference.partition(";")[0].strip())
            if found:
                return min(int(found[1] or found[2]), MAX_WAIT_SECONDS)
    return None


def last_event(header: str | None, total: int) -> int | None:
    """How many items of a job the client has seen, by its `Last-Event-ID`; None if it has seen the end.

    Raises:
        InvalidRequest: it is no id that a stream of this job gives.
    """
    if header is None or header == "":
        return 0
    if header == END:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", header) or int(header) > total:
        repair = f"send it as the last event had it, a number up to {total}, or leave it out to see all"
        raise InvalidRequest.of(Fault("Last-Event-ID", f"{brief(header)} is not an id of this job's events", repair))
    return int(header)
