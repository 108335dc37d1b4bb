"""The ways to search: what is changed next. Adding one is one entry of `STRATEGIES`. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple, TypeAlias

from proxy.errors import allowed_names, shown
from proxy.search.errors import InvalidSearch
from proxy.search.pareto import Point, crowding, front, ranks
from proxy.spaces._sampling import pick


class Known(NamedTuple):
    """A trial that has all values."""

    number: int
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many, by what."""

    round: int
    """Proposed together, and so without knowing of each other."""
    start: int
    """Drawn first: the warm-up pool, or the first population."""
    population: int
    """Of evolution: the most recent trials that may be parents."""
    tournament: int
    """Of evolution: how many of the population compete to be a parent."""


Chooser: TypeAlias = Callable[[Random], int | None]
"""Gives the number of the trial that is to be changed; None: draw instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A way to search."""

    name: str
    title: str
    paper: str
    uses: frozenset[str] = frozenset()
    """The sizes of the plan that matter to it, beyond the round."""
    parents: Callable[[Sequence[Known], Sizes], Chooser] | None
    """How parents are chosen in one round from what was known before it. None: everything is drawn."""


def best_of_all(known: Sequence[Known], _: Sizes) -> Chooser:
    """Parents are the best so far: one of the trials that none dominates, each as likely."""
    best = [known[position].number for position in front([each.point for each in known])]
    return lambda rng: pick(rng, best)


def winners_of_tournaments(known: Sequence[Known], sizes: Sizes) -> Chooser:
    """Parents win a tournament among the youngest: each contender is drawn from all of them, so may be drawn twice.

    By several objectives the winner is of the first front among the population, and there the one with most room around
    it: the crowded comparison of NSGA-II.
    """
    population = known[-sizes.population :]
    points = [each.point for each in population]
    if len(points[0]) == 1:
        merit = [(point[0], 0.0) for point in points]
    else:
        fronts = ranks(points)
        merit = [(-float(rank), room) for rank, room in zip(fronts, crowding(points, fronts), strict=True)]

    def choose(rng: Random) -> int:
        contenders = [pick(rng, range(len(population))) for _ in range(sizes.tournament)]
        return population[max(contenders, key=lambda position: merit[position])].number

    return choose


STRATEGIES: Final[Mapping[str, Strategy]] = {
    strategy.name: strategy
    for strategy in (
        Strategy(
            name="warmup-move",
            title="a pool of random architectures, then moves from the best so far",
            paper="Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS (ICLR 2021), arXiv:2101.08134; "
            "Ha, Kim, Hwang: CRoZe (NeurIPS 2023), arXiv:2306.05031",
            uses=frozenset({"start"}),
            parents=best_of_all,
        ),
        Strategy(
            name="evolution",
            title="regularised evolution: a population of which the oldest die, and parents win tournaments",
            paper="Real, Aggarwal, Huang, Le: Regularized Evolution for Image Classifier Architecture Search "
            "(AAAI 2019), arXiv:1802.01548",
            uses=frozenset({"start", "population", "tournament"}),
            parents=winners_of_tournaments,
        ),
        Strategy(
            name="random",
            title="random architectures, none twice: what a search has to beat",
            paper="Li, Talwalkar: Random Search and Reproducibility for NAS (UAI 2019), arXiv:1902.07638",
            parents=None,
        ),
    )
}

#: What a pool or a population has by default, unless the budget is small.
DEFAULT_START: Final = 50
#: One of so many evaluations is a draw of the start, at most.
_START_SHARE: Final = 4
#: A tournament has one of so many of the population: 25 of 100 in Real et al.
_TOURNAMENT_SHARE: Final = 4


def get_strategy(name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        InvalidSearch: there is none.
    """
    if name not in STRATEGIES:
        raise InvalidSearch(f"strategy {shown(name)} does not exist; {allowed_names(name, STRATEGIES)}")
    return STRATEGIES[name]


def default_start(budget: int) -> int:
    """How many are drawn first: 50, or a quarter of a small budget."""
    return max(1, min(DEFAULT_START, budget // _START_SHARE))


def default_tournament(population: int) -> int:
    """A quarter of the population."""
    return math.ceil(population / _TOURNAMENT_SHARE)
