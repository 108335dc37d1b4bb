"""What the service says, as values: jobs, items, scores. Each keeps what it was read from as `raw`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from croze_client.answers import may, need
from croze_client.errors import Fault
from croze_client.submission import Submission

#: States in which a job has ended.
ENDED_JOB: Final = frozenset({"completed", "canceled"})
#: States in which an item has ended.
ENDED_ITEM: Final = frozenset({"scored", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Counts:
    """Items of a job per state."""

    total: int
    queued: int
    running: int
    scored: int
    failed: int
    canceled: int

    @property
    def ended(self) -> int:
        return self.scored + self.failed + self.canceled


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was when the service was asked."""

    id: str
    status: str
    """queued, running, completed or canceled."""
    counts: Counts
    space: str
    proxies: tuple[str, ...]
    eta_seconds: float | None
    """About how many seconds until it will have ended; None if nobody knows, or it has."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    submission: Submission | None = field(default=None, repr=False, compare=False)
    """What was submitted, if it was by this client: with it a job that the service has lost can be submitted again."""

    @property
    def ended(self) -> bool:
        return self.status in ENDED_JOB


@dataclass(frozen=True, slots=True)
class ItemError:
    """Why there is no score."""

    code: str
    message: str
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a score stands among those of all architectures of its space."""

    percentile: float
    rank: int
    of: int


@dataclass(frozen=True, slots=True)
class Spread:
    """What the mean over several seeds is made of."""

    seeds: tuple[int, ...]
    values: tuple[float | None, ...]
    """The value of each seed; None for one that has none."""
    std: float | None
    stderr: float | None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What the ranks of several proxies, combined, say of an item. While the job runs that is a moment's view."""

    name: str
    status: str
    """pending, scored or failed."""
    value: float | None
    """At most 0; higher is better; None unless scored."""
    rank: int | None
    """Its place among the items of the job; None until that has ended."""
    error: ItemError | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Score:
    """What one proxy says of one architecture."""

    proxy: str
    value: float | None
    """The mean if there are several seeds. None if there is none; `error` says why."""
    direction: str
    """higher_is_better or lower_is_better."""
    components: Mapping[str, float]
    cached: bool | None
    """Whether it was known before the job."""
    seconds: float | None
    reference: Reference | None
    spread: Spread | None
    """None if there is one seed, or the proxy does not depend on it."""
    error: ItemError | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def loss(self) -> float:
        """The value for those who minimise: less is better; infinite if there is none."""
        if self.value is None:
            return math.inf
        return self.value if self.direction == "lower_is_better" else -self.value


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One architecture of a job and what came of it. A bad architecture is such a result too, and no exception."""

    index: int
    """Its place in what was submitted."""
    id: str | None
    status: str
    """scored, failed or canceled; queued or running while the job goes on."""
    architecture: str | None
    """The canonical form; None if what was sent is no architecture."""
    space: str
    params: int | None
    macs: int | None
    connected: bool | None
    facts: Mapping[str, Any]
    scores: Mapping[str, Score]
    """By proxy, in the order in which they were asked for."""
    aggregate: Aggregate | None
    """None if the job asks for none."""
    error: ItemError | None
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether every proxy gave a value."""
        return self.status == "scored" and all(score.value is not None for score in self.scores.values())

    @property
    def ended(self) -> bool:
        return self.status in ENDED_ITEM

    @property
    def reason(self) -> ItemError | None:
        """Why it is not ok: the item's own error, else the first of its scores'. None if it is, or may be still."""
        return self.error or next((score.error for score in self.scores.values() if score.error), None)

    @property
    def score(self) -> float | None:
        """The value of the first proxy; None if there is none."""
        return next((score.value for score in self.scores.values()), None)

    @property
    def loss(self) -> float:
        """The first proxy's value for those who minimise; infinite if there is none."""
        return next((score.loss for score in self.scores.values()), math.inf)

    def value(self, proxy: str) -> float | None:
        """The value of that proxy; None if there is none. `params` and `macs` are there without being asked for.

        Raises:
            KeyError: the item has ended, and nobody asked that proxy.
        """
        if proxy in self.scores:
            return self.scores[proxy].value
        if proxy in ("params", "macs"):
            count = self.params if proxy == "params" else self.macs
            return None if count is None else float(count)
        if self.status != "scored":
            return None
        raise KeyError(f"proxy {proxy!r} was not asked; asked: {', '.join(self.scores)}")


def read_job(raw: Mapping[str, Any], submission: Submission | None = None) -> Job:
    """A job of an answer. Raises Unreadable."""
    counts = need(raw, "counts", dict, "a job")
    return Job(
        id=need(raw, "id", str, "a job"),
        status=need(raw, "status", str, "a job"),
        counts=Counts(*(need(counts, name, int, "a job's counts") for name in Counts.__dataclass_fields__)),
        space=need(raw, "space", str, "a job"),
        proxies=tuple(map(str, need(raw, "proxies", list, "a job"))),
        eta_seconds=may(raw, "eta_seconds", float),
        raw=raw,
        submission=submission,
    )


def read_item(raw: Mapping[str, Any]) -> ItemResult:
    """An item of an answer. Raises Unreadable."""
    scores = need(raw, "scores", dict, "an item")
    return ItemResult(
        index=need(raw, "index", int, "an item"),
        id=may(raw, "id", str),
        status=need(raw, "status", str, "an item"),
        architecture=may(raw, "architecture", str),
        space=need(raw, "space", str, "an item"),
        params=may(raw, "params", int),
        macs=may(raw, "macs", int),
        connected=may(raw, "connected", bool),
        facts=may(raw, "facts", dict) or {},
        scores={name: _read_score(score, name) for name, score in scores.items()},
        aggregate=_read_aggregate(raw),
        error=read_error(raw),
        raw=raw,
    )


def _read_score(raw: Mapping[str, Any], proxy: str) -> Score:
    what = f"a score of {proxy}"
    reference, spread = may(raw, "reference", dict), may(raw, "spread", dict)
    return Score(
        proxy=proxy,
        value=need(raw, "value", float, what) if raw.get("value", "") is not None else None,
        direction=need(raw, "direction", str, what),
        components=may(raw, "components", dict) or {},
        cached=may(raw, "cached", bool),
        seconds=may(raw, "seconds", float),
        reference=None if reference is None else _read_reference(reference),
        spread=None if spread is None else _read_spread(spread),
        error=read_error(raw),
        raw=raw,
    )


def _read_reference(raw: Mapping[str, Any]) -> Reference:
    what = "a score's reference"
    return Reference(need(raw, "percentile", float, what), need(raw, "rank", int, what), need(raw, "of", int, what))


def _read_spread(raw: Mapping[str, Any]) -> Spread:
    what = "a score's spread"
    return Spread(
        seeds=tuple(need(raw, "seeds", list, what)),
        values=tuple(need(raw, "values", list, what)),
        std=may(raw, "std", float),
        stderr=may(raw, "stderr", float),
    )


def _read_aggregate(raw: Mapping[str, Any]) -> Aggregate | None:
    fields = may(raw, "aggregate", dict)
    if fields is None:
        return None
    return Aggregate(
        name=need(fields, "name", str, "an aggregate"),
        status=need(fields, "status", str, "an aggregate"),
        value=may(fields, "value", float),
        rank=may(fields, "rank", int),
        error=read_error(fields),
        raw=fields,
    )


def read_error(raw: Mapping[str, Any]) -> ItemError | None:
    """Why something of an answer failed; None if it did not. Raises Unreadable."""
    error = may(raw, "error", dict)
    if error is None:
        return None
    faults = may(error, "faults", list) or []
    return ItemError(
        code=need(error, "code", str, "an error"),
        message=str(error.get("message", "")),
        faults=tuple(Fault(*(str(each.get(name, "")) for name in ("at", "problem", "repair"))) for each in faults),
    )
