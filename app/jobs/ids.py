"""Ids of jobs: those that we give, and those that clients choose.

What Redis holds is found by an id of 32 hex digits. A chosen id is one of its owner's: two owners may choose the same,
and neither can tell. So it is digested together with the owner's name, and so is an idempotency key: that a key and its
job come and go together needs no record of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4, uuid5

from app.errors import InvalidRequest
from app.validation import brief
from proxy.errors import Fault

if TYPE_CHECKING:
    from app.auth import Caller
    from workers.records import JobSpec

_NAMESPACE: Final = UUID("6c1f3f1e-5b1d-4c8e-9a51-3d0f6a0c7a11")
_STORED: Final = re.compile(r"[0-9a-f]{32}")
#: Version 4, which is random, may be chosen. What is digested has version 5, and nobody can take it beforehand.
_RANDOM: Final = re.compile(r"[0-9a-f]{12}4[0-9a-f]{19}")
_CHOSEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RULE: Final = (
    "allowed: 1 to 64 of the letters a-z and A-Z, digits, _ and -; but 32 hex digits alone only as a random UUID"
)


def for_new(owner: str | None, key: str | None, given: str | None) -> tuple[str, str | None]:
    """The id of a new job, and the name that its owner gives it, if any.

    Args:
        key: its idempotency key, if it has one.
        given: the id that the owner has chosen, if it has.

    Raises:
        InvalidRequest: what was chosen cannot be an id.
    """
    if given is None:
        return (uuid4().hex if key is None else _digest("key", owner, key)), None
    found = stored(owner, given)
    if found is None or (found == given and not _RANDOM.fullmatch(given)):
        raise InvalidRequest.of(Fault("job_id", f"{brief(given)} is not allowed", _RULE))
    return found, None if found == given else given


def for_retry(job_id: str) -> str:
    """The id of the job that scores again what failed in that one: retrying twice is retrying once."""
    return _digest("retry", None, job_id)


def stored(owner: str | None, given: str) -> str | None:
    """The id under which Redis has the job that this caller calls by that id; None if none can be called so."""
    if not _CHOSEN.fullmatch(given):
        return None
    return given if _STORED.fullmatch(given) else _digest("name", owner, given)


def shown_to(caller: Caller, spec: JobSpec) -> str:
    """The id by which this caller can ask for the job: another owner's name for it would find another job."""
    return spec.name if spec.name is not None and spec.owner == caller.name else spec.id


def _digest(kind: str, owner: str | None, text: str) -> str:
    return uuid5(_NAMESPACE, "\0".join([kind, owner or "", text])).hex
