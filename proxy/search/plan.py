"""What a search is asked for, checked as a whole. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from proxy.errors import allowed_names, shown
from proxy.search.errors import InvalidSearch
from proxy.search.objectives import Objective, read_objectives
from proxy.search.strategies import (
    Sizes,
    Strategy,
    default_start,
    default_tournament,
    get_strategy,
)
from proxy.spaces import get_space
from proxy.spaces._base import ImageShape, Sampler, Settings, Space

#: All that a job of the service may have, and more than a search by moves can make use of.
MAX_BUDGET: Final = 100_000
DEFAULT_ROUND: Final = 10
MAX_ROUND: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that the proposals of a search depend on, apart from the scores."""

    space: Space[Any]
    settings: Settings
    """Complete."""
    image: ImageShape
    sampler: Sampler[Any]
    strategy: Strategy
    objectives: tuple[Objective, ...]
    sizes: Sizes
    seed: int
    max_params: int | None
    budget: int
    """Trials in all. A larger one proposes the same ones first."""


def make_plan(
    space: str,
    *,
    settings: Settings,
    image: ImageShape,
    strategy: str,
    objectives: str,
    budget: int,
    seed: int = 0,
    sampler: str | None = None,
    max_params: int | None = None,
    round_size: int = DEFAULT_ROUND,
    start: int | None = None,
    tournament: int | None = None,
) -> Plan:
    """The plan of a search.

    Args:
        settings: complete; with `image` they say how many parameters an architecture has.
        objectives: names with commas between them, as `read_objectives` reads them.
        sampler: one of the space's; None: its first.
        start: of warmup-move the pool, of evolution the population; None: `default_start`.
        tournament: of evolution; None: `default_tournament`.

    Raises:
        UnknownSpace, InvalidSearch: something does not exist, or does not fit the rest.
    """
    chosen, its_space = get_strategy(strategy), get_space(space)
    _check_range("budget", budget, MAX_BUDGET)
    _check_range("round", round_size, MAX_ROUND)
    for name, given in (("start", start), ("tournament", tournament)):
        if given is not None and name not in chosen.uses:
            raise InvalidSearch(f"strategy {strategy} knows no {_word(name, chosen)}; leave it out")
    if max_params is not None and max_params < 1:
        raise InvalidSearch(f"a limit of {max_params} parameters allows nothing; name a larger one")
    first = default_start(budget) if start is None else start
    if "start" in chosen.uses and not 1 <= first <= budget:
        raise InvalidSearch(
            f"a {_word('start', chosen)} of {first} does not fit a budget of {budget}; allowed: 1 to {budget}"
        )
    contenders = default_tournament(first) if tournament is None else tournament
    if "tournament" in chosen.uses and not 1 <= contenders <= first:
        raise InvalidSearch(f"a tournament of {contenders} does not fit a population of {first}; allowed: 1 to {first}")
    return Plan(
        space=its_space,
        settings=settings,
        image=image,
        sampler=_sampler(its_space, sampler),
        strategy=chosen,
        objectives=read_objectives(objectives),
        sizes=Sizes(round=round_size, start=first, population=first, tournament=contenders),
        seed=seed,
        max_params=max_params,
        budget=budget,
    )


def _word(name: str, strategy: Strategy) -> str:
    """What people call a size."""
    if name == "start":
        return "population" if "population" in strategy.uses else "warm-up pool"
    return name


def _check_range(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InvalidSearch(f"a {name} of {value} is out of range; allowed: 1 to {most:,}")


def _sampler(space: Space[Any], name: str | None) -> Sampler[Any]:
    known = {sampler.name: sampler for sampler in space.samplers}
    if not known:
        raise InvalidSearch(f"space {space.name} has no sampler, so it cannot be searched (docs/add-a-space.md)")
    if name is None:
        return space.samplers[0]
    if name not in known:
        raise InvalidSearch(f"space {space.name} has no sampler {shown(name)}; {allowed_names(name, known)}")
    return known[name]
