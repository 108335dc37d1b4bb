"""What a search wants much or little of: proxies, sizes of the network, and aggregates of proxies. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.aggregates import AGGREGATES, JOINT, Aggregate, rank_all, read_aggregate
from proxy.errors import ProxyError, allowed_names, shown
from proxy.proxies import PROXIES
from proxy.ranking import goodness_of, sign_of
from proxy.search.errors import InvalidSearch
from proxy.search.pareto import Point

#: What a network costs. As proxies, more is better, because larger networks are more accurate; a search wants less.
COSTS: Final = ("params", "macs")
#: How an objective may end that is meant the other way round than usual: `params:max`.
_SIGNS: Final = {"max": 1.0, "min": -1.0}


@dataclass(frozen=True, slots=True)
class Objective:
    """One thing that a search wants."""

    name: str
    """Of a proxy, or of an aggregate."""
    sign: float
    """1 if more of its value is better, else -1."""
    aggregate: Aggregate | None = None
    """None: it is a proxy."""

    @property
    def proxies(self) -> tuple[str, ...]:
        """Those whose values it needs."""
        return (self.name,) if self.aggregate is None else self.aggregate.proxies

    @property
    def text(self) -> str:
        """As `read_objectives` reads it, in full: "macs:min"."""
        return f"{self.name}:{'max' if self.sign > 0 else 'min'}"

    def values(self, scored: Sequence[Mapping[str, float]]) -> list[float]:
        """Its value for each of the architectures.

        Args:
            scored: their values by every proxy. Those of an aggregate are ranked among each other.
        """
        if self.aggregate is None:
            return [values[self.name] for values in scored]
        rows = {
            number: [goodness_of(proxy, values[proxy]) for proxy in self.aggregate.proxies]
            for number, values in enumerate(scored)
        }
        ranked = rank_all(rows)
        return [ranked[number].value for number in range(len(scored))]


def read_objectives(text: str) -> tuple[Objective, ...]:
    """The objectives of "croze,macs".

    Raises:
        InvalidSearch: one does not exist, or is named twice.
    """
    objectives = tuple(_read(part.strip()) for part in text.split(","))
    names = [objective.name for objective in objectives]
    repeated = [name for position, name in enumerate(names) if name in names[:position]]
    if repeated:
        raise InvalidSearch(f"objective {shown(repeated[0])} is named twice; name each once")
    return objectives


def points_of(objectives: Sequence[Objective], scored: Sequence[Mapping[str, float]]) -> list[Point]:
    """For each architecture how good it is by each objective: higher is better.

    Args:
        scored: values by every proxy of the objectives.
    """
    columns = [[objective.sign * value for value in objective.values(scored)] for objective in objectives]
    return [*zip(*columns, strict=True)]


def proxies_of(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """All proxies that they need, each once."""
    return tuple(dict.fromkeys(proxy for objective in objectives for proxy in objective.proxies))


def _read(text: str) -> Objective:
    # "croze:paper" is a proxy: only what follows the last colon can be a sign.
    name, _, ending = text.rpartition(":")
    sign = _SIGNS.get(ending) if name else None
    if sign is None:
        name = text
    if name in PROXIES:
        usual = -sign_of(name) if name in COSTS else sign_of(name)
        return Objective(name, usual if sign is None else sign)
    if JOINT not in name and name not in AGGREGATES:
        known = allowed_names(name, (*PROXIES, *AGGREGATES))
        raise InvalidSearch(f"objective {shown(name)} does not exist; {known}, or proxies with + between them")
    try:
        return Objective(name, 1.0 if sign is None else sign, read_aggregate(name))
    except ProxyError as error:
        raise InvalidSearch(f"objective {shown(name)}: {error.message}") from error
