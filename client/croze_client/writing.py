"""Requests for scores as JSON: checked as far as that needs no service, and split where one is too long."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from croze_client.errors import BadInput, DuplicateIds, MixedSpaces
from croze_client.results import ItemResult
from croze_client.submission import Architecture, Options, Submission

#: The service's own limit on the architectures of one job.
MAX_JOB: Final = 20_000
#: Bytes of genotypes in one job: well under the service's default body limit of 32 MiB.
MAX_JOB_BYTES: Final = 8 * 2**20
_KEY: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Part:
    """Architectures of one request: a long list is sent as several."""

    start: int
    """The index of the first in the whole list."""
    entries: list[str]
    """The JSON of each."""


def write(
    architectures: Iterable[object], options: Options, defaults: Options
) -> tuple[dict[str, Any], Iterator[Part]]:
    """The fields of a job apart from its architectures, and those in parts of an allowed size.

    Raises:
        BadInput: something is no JSON, or no space is named.
        MixedSpaces, DuplicateIds: the architectures do not belong in one job.
    """
    entries = [_entry(each) for each in architectures]
    if not entries:
        raise BadInput("no architecture was given", "give one or more")
    fields: dict[str, Any] = {"on_invalid": "fail", **defaults, **options}
    fields["space"] = _one_space(fields.get("space"), entries)
    _check_ids(entries)
    fields.update(fields.pop("extra", {}))
    _json(fields, "the options")
    return fields, _parts([_json(_plain_entry(each), f"architecture {i}") for i, each in enumerate(entries)])


def body_of(fields: Mapping[str, Any], part: Part) -> bytes:
    """The request for one part."""
    text = _json(fields, "the options")
    return f'{text[:-1]}, "architectures": [{", ".join(part.entries)}]}}'.encode()


def genotypes(architectures: Iterable[object], defaults: Options, **fields: object) -> bytes:
    """The request to look at genotypes. Fields that are None are left to `defaults`, or out.

    Raises as `write` does.
    """
    shared = ("space", "format", "settings") if "to" not in fields else ("space", "format")
    told: Any = {name: value for name, value in fields.items() if value is not None}
    usual: Any = {name: value for name, value in defaults.items() if name in shared}
    whole, parts = write(architectures, told, usual)
    del whole["on_invalid"]
    return body_of(whole, Part(0, [entry for part in parts for entry in part.entries]))


def written(architecture: object) -> str:
    """An architecture as JSON: equal texts are the same architecture, whatever its id.

    Raises:
        BadInput: it is no JSON.
    """
    entry = _entry(architecture)
    return _json([entry.value, entry.format, entry.space], "the architecture")


def without_id(architecture: object) -> Architecture:
    """The same architecture without a name."""
    return replace(_entry(architecture), id=None)


def id_in(architecture: object) -> str | None:
    """Its name, if it has one."""
    return _entry(architecture).id


def _entry(value: object) -> Architecture:
    if isinstance(value, Architecture):
        return value
    if isinstance(value, ItemResult):  # what came back can be sent again
        return Architecture(value.architecture, value.space, id=value.id)
    return Architecture(value)


def _plain_entry(entry: Architecture) -> Any:
    named = {"format": entry.format, "id": entry.id}
    told = {name: text for name, text in named.items() if text is not None}
    return {"architecture": entry.value, **told} if told else entry.value


def _one_space(named: object, entries: Sequence[Architecture]) -> str:
    found = {entry.space for entry in entries if entry.space is not None}
    if isinstance(named, str):
        found.add(named)
    if len(found) > 1:
        raise MixedSpaces(
            f"architectures of {' and '.join(sorted(found))} in one job", "a job has one space: submit one job for each"
        )
    if not found:
        raise BadInput("no space is named", "name it: space='nasbench201'")
    return found.pop()


def _check_ids(entries: Sequence[Architecture]) -> None:
    counts = Counter(entry.id for entry in entries if entry.id is not None)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        shown = ", ".join(repr(name) for name in twice[:5]) + (" ..." if len(twice) > 5 else "")
        raise DuplicateIds(f"more than one architecture has the id {shown}", "give each an id of its own, or none")


def _json(value: object, what: str) -> str:
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"{what} cannot be written as JSON: {error}", "give strings, numbers, lists and dicts") from None


def _plain(value: object) -> object:
    """Numpy's numbers and arrays, and whatever else knows itself as a list."""
    tolist = getattr(value, "tolist", None)
    if callable(tolist):
        return tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    raise TypeError(f"{value!r:.60} is of type {type(value).__name__}")


def _parts(entries: list[str]) -> Iterator[Part]:
    start = size = 0
    for index, entry in enumerate(entries):
        if index > start and (index - start == MAX_JOB or size + len(entry) > MAX_JOB_BYTES):
            yield Part(start, entries[start:index])
            start, size = index, 0
        size += len(entry)
    yield Part(start, entries[start:])


def one_job(
    architectures: Iterable[object], options: Options, defaults: Options, key: str | None, job_id: str | None
) -> Submission:
    """All the architectures as one job, however many. Raises as `write` does."""
    if key is not None and job_id is not None:
        raise BadInput("both a key and an id were given", "give one: either makes it safe to submit twice")
    _check_key(key)
    fields, parts = write(architectures, options, defaults)
    whole = Part(0, [entry for part in parts for entry in part.entries])
    return Submission(body_of(fields, whole), key or uuid4().hex, job_id)


def some_jobs(
    architectures: Iterable[object], options: Options, defaults: Options, key: str | None
) -> tuple[list[Part], Iterator[tuple[int, Submission]]]:
    """The architectures in as many jobs as are needed: the parts, and for each its start and its job.

    Raises as `write` does.
    """
    _check_key(key)
    fields, parts = write(architectures, options, defaults)
    found = list(parts)
    if fields.get("aggregate") is not None and len(found) > 1:
        raise BadInput(
            f"an aggregate ranks the items of one job, and this list makes {len(found)}",
            f"give at most {MAX_JOB} architectures",
        )
    return found, (
        (part.start, Submission(body_of(fields, part), _key_of(key, part.start, len(found)))) for part in found
    )


def _check_key(key: object) -> None:
    if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise BadInput(f"{key!r:.60} is no idempotency key", "give printable ASCII characters without spaces")


def _key_of(key: str | None, start: int, parts: int) -> str:
    if key is None:
        return uuid4().hex
    return key if parts == 1 else f"{key}-{start}"
