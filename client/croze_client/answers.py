"""Reading answers: unknown fields are ignored, missing ones are an error that says which.

A server that is newer than this client adds fields. One that is older lacks some.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Unreadable(Exception):
    """An answer lacks what is needed. A plan turns it into an `IncompatibleServer`, with both versions."""


def json_object(body: bytes | str) -> dict[str, Any] | None:
    """The JSON object in a body; None if there is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def the_object(body: bytes | str, what: str) -> dict[str, Any]:
    """The same, if there must be one.

    Raises:
        Unreadable: there is none.
    """
    found = json_object(body)
    if found is None:
        raise Unreadable(f"the answer is no JSON object, but {what} was asked for")
    return found


def need(fields: Mapping[str, Any], name: str, kind: type[T], what: str) -> T:
    """A field that must be there.

    Args:
        kind: of the value; `float` takes whole numbers too.
        what: the name of the whole, for the error.

    Raises:
        Unreadable: it is not there, or is of another kind.
    """
    if name not in fields:
        raise Unreadable(f"{what} without {name!r}")
    value = fields[name]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Unreadable(f"{what} whose {name!r} is {value!r:.60}, not of type {kind.__name__}")
    return value


def may(fields: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    """A field that may be missing, null, or of a kind that this client does not know."""
    try:
        return need(fields, name, kind, "")
    except Unreadable:
        return None
