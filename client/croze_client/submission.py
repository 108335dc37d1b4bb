"""What is submitted: architectures, and the options that shape a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict


class Options(TypedDict, total=False):
    """Everything that shapes a job. What is left out has the service's default."""

    space: str
    settings: Mapping[str, int]
    format: str
    proxies: Sequence[str]
    seed: int
    seeds: Sequence[int]
    """In place of `seed`: scores are means over them, with a `spread`."""
    aggregate: str | Mapping[str, Any]
    """Ranks of several proxies, combined: the name of a preset, or an object."""
    batch: str
    precision: str
    on_invalid: Literal["fail", "refuse"]
    """Whether a bad architecture is a failed result (fail, this client's default), or refuses all of the job."""
    priority: Literal["normal", "urgent"]
    layers: bool
    dedupe: Literal["identical", "isomorphic"]
    metadata: Mapping[str, Any]
    webhook: Mapping[str, Any]
    extra: Mapping[str, Any]
    """Fields of the request that this client does not know: a newer service may."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A genotype with what does not show by itself."""

    value: Any
    """Any JSON value that is a genotype in a format of its space."""
    space: str | None = None
    format: str | None = None
    id: str | None = None
    """Your own name for it, given back with its result."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One job's request, and what makes it safe to send twice."""

    body: bytes = field(repr=False)
    key: str
    """Idempotency key."""
    job_id: str | None = None
    """The id that the caller has chosen, if any."""
