"""What the service knows, as values: spaces, workers, and genotypes that were checked or converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from croze_client.answers import may, need
from croze_client.results import ItemError, read_error


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker said of itself at its last heartbeat."""

    id: str
    state: str
    """starting, idle, busy, sick or draining."""
    job: str | None
    scored: int
    raw: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write the genotypes of a space."""

    name: str
    example: Any
    canonical: bool


@dataclass(frozen=True, slots=True)
class Space:
    """A family of architectures."""

    name: str
    title: str
    operations: tuple[str, ...]
    formats: Mapping[str, Format]
    raw: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a genotype is, and how others write it."""

    index: int
    """Its place in what was asked."""
    id: str | None
    valid: bool
    canonical: str | None
    format: str | None
    """The format it was read in."""
    connected: bool | None
    facts: Mapping[str, Any]
    params: int | None
    """None unless it was validated."""
    macs: int | None
    converted: Any
    """The genotype in the format that was asked for; None if it was not converted."""
    error: ItemError | None
    """Why it is not valid, or was not converted; `faults` list what is wrong, or all that it could be."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)


def read_worker(raw: Mapping[str, Any]) -> Worker:
    """A worker of an answer. Raises Unreadable."""
    return Worker(
        id=need(raw, "id", str, "a worker"),
        state=need(raw, "state", str, "a worker"),
        job=may(raw, "job", str),
        scored=need(raw, "scored", int, "a worker"),
        raw=raw,
    )


def read_space(raw: Mapping[str, Any]) -> Space:
    """A space of an answer. Raises Unreadable."""
    formats: Sequence[Mapping[str, Any]] = need(raw, "formats", list, "a space")
    return Space(
        name=need(raw, "name", str, "a space"),
        title=need(raw, "title", str, "a space"),
        operations=tuple(map(str, need(raw, "operations", list, "a space"))),
        formats={
            need(each, "name", str, "a format"): Format(
                name=each["name"], example=each.get("example"), canonical=need(each, "canonical", bool, "a format")
            )
            for each in formats
        },
        raw=raw,
    )


def read_checked(raw: Mapping[str, Any]) -> Checked:
    """A genotype of an answer. Raises Unreadable."""
    what = "a checked genotype"
    return Checked(
        index=need(raw, "index", int, what),
        id=may(raw, "id", str),
        valid=need(raw, "valid", bool, what),
        canonical=may(raw, "canonical", str),
        format=may(raw, "format", str),
        connected=may(raw, "connected", bool),
        facts=may(raw, "facts", dict) or {},
        params=may(raw, "params", int),
        macs=may(raw, "macs", int),
        converted=raw.get("architecture"),
        error=read_error(raw),
        raw=raw,
    )
