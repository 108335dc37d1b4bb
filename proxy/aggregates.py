"""Aggregates: one number out of an architecture's ranks by several proxies. Torch-free.

docs/aggregates.md defines the numbers. Adding a preset is one entry of `AGGREGATES`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, get_args

from proxy.errors import InvalidAggregate, UnknownAggregate, allowed_names, shown
from proxy.proxies import get_proxy
from proxy.ranking import Ladder, goodness_of

Method: TypeAlias = Literal["log_rank"]
Row: TypeAlias = Sequence[float]
"""The goodness of one architecture by each proxy of an aggregate (`proxy.ranking`)."""

METHODS: Final[tuple[str, ...]] = get_args(Method)
MIN_PROXIES: Final = 2
#: More than there are.
MAX_PROXIES: Final = 20
#: Between the names of the proxies of an aggregate that has no name of its own.
JOINT: Final = "+"
#: Digits to which aggregate values are compared: sums of the same logarithms may differ in the last bits.
DIGITS: Final = 12

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """Some proxies, and how their ranks are combined."""

    name: str
    """That of a preset, else the names of its proxies with + between them."""
    method: Method = "log_rank"
    proxies: tuple[str, ...]
    title: str = ""
    validated_on: tuple[str, ...] = ()
    """Spaces in which it was held against real accuracies, on architectures that had no part in its choice."""
    evidence: str = ""
    """Where that is told."""


AGGREGATES: Final[dict[str, Aggregate]] = {
    aggregate.name: aggregate
    for aggregate in (
        Aggregate(
            name="robust",
            title="Architectures that become accurate, and stay so on corrupted and adversarial images",
            proxies=("croze", "jacob_cov"),
            validated_on=("nasbench201",),
            evidence="docs/evidence.md",
        ),
    )
}


class Ranked(NamedTuple):
    """What an aggregate says of one architecture."""

    value: float
    """At most 0; higher is better."""
    rank: int
    """Its place among all that were ranked with it: 1 is the best, and equal values share the best of their ranks."""


def get_aggregate(name: str) -> Aggregate:
    """The preset of that name.

    Raises:
        UnknownAggregate: there is none.
    """
    if name not in AGGREGATES:
        raise UnknownAggregate(
            f"aggregate {shown(name)} does not exist; {allowed_names(name, AGGREGATES)}, or name proxies of your own "
            "(docs/aggregates.md)"
        )
    return AGGREGATES[name]


def check_method(method: str) -> None:
    """That there is such a method.

    Raises:
        InvalidAggregate: there is none.
    """
    if method not in METHODS:
        raise InvalidAggregate(f"method {shown(method)} does not exist; {allowed_names(method, METHODS)}")


def aggregate_of(proxies: Sequence[str], method: str = "log_rank") -> Aggregate:
    """The aggregate of these proxies.

    Raises:
        UnknownProxy: no proxy of that name.
        InvalidAggregate: they are too few or too many, one is named twice, or there is no such method.
    """
    check_method(method)
    for proxy in proxies:
        get_proxy(proxy)
    if not MIN_PROXIES <= len(proxies) <= MAX_PROXIES:
        raise InvalidAggregate(
            f"an aggregate of {len(proxies)} proxies is none; name {MIN_PROXIES} to {MAX_PROXIES} of them"
        )
    repeated = sorted({proxy for proxy in proxies if proxies.count(proxy) > 1})
    if repeated:
        raise InvalidAggregate(f"{', '.join(map(repr, repeated))} is named more than once; name each proxy once")
    return Aggregate(name=JOINT.join(proxies), proxies=tuple(proxies))


def read_aggregate(text: str) -> Aggregate:
    """The preset of that name, or the aggregate of "croze+jacob_cov".

    Raises:
        UnknownAggregate, UnknownProxy, InvalidAggregate: as for `get_aggregate` and `aggregate_of`.
    """
    return aggregate_of(text.split(JOINT)) if JOINT in text else get_aggregate(text)


def is_validated(name: str, space: str) -> bool:
    """Whether that is a preset that was held against real accuracies in that space."""
    preset = AGGREGATES.get(name)
    return preset is not None and space in preset.validated_on


def row_of(proxies: Sequence[str], scores: Mapping[str, Any]) -> Row | None:
    """What an architecture is ranked by; None if one of the proxies has no value for it.

    Args:
        proxies: of the aggregate.
        scores: proxy -> `proxy.task.Score` as JSON.
    """
    values = [scores.get(proxy, {}).get("value") for proxy in proxies]
    if any(value is None for value in values):
        return None
    return [goodness_of(proxy, value) for proxy, value in zip(proxies, values, strict=True)]


def rank_in(ladder: Ladder, goodness: float) -> tuple[float, int]:
    """The rank of an architecture that is on the ladder, worst = 1, and the number of those ranked.

    It is 1 and how many are worse and half of how many others are equal.
    """
    worse, equal = ladder.standing(goodness)
    return 1 + worse + (equal - 1) / 2, len(ladder)


def rank_against(ladder: Ladder, goodness: float) -> tuple[float, int]:
    """The same for one that is not on it, and is ranked as if it were added."""
    worse, equal = ladder.standing(goodness)
    return 1 + worse + equal / 2, len(ladder) + 1


def log_rank(ranks: Iterable[tuple[float, int]]) -> float:
    """The sum over the proxies of log(rank / m), `ranks` being (rank, m) by each: 0 is the best of all by all."""
    return math.fsum(math.log(rank / count) for rank, count in ranks)


def rank_all(rows: Mapping[Key, Row], ladders: Sequence[Ladder] | None = None) -> dict[Key, Ranked]:
    """What the aggregate says of each architecture.

    Args:
        rows: what each is ranked by. All have a value by each proxy (`row_of`).
        ladders: what they are ranked against, by proxy; None: among themselves.
    """
    if not rows:
        return {}
    among = ladders or [Ladder(column) for column in zip(*rows.values(), strict=True)]
    rank = rank_in if ladders is None else rank_against
    values = {key: log_rank(map(rank, among, row)) for key, row in rows.items()}
    ascending = sorted(round(value, DIGITS) for value in values.values())
    better = {key: len(rows) - bisect_right(ascending, round(value, DIGITS)) for key, value in values.items()}
    return {key: Ranked(value, 1 + better[key]) for key, value in values.items()}
