"""What a search may be asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from proxy.errors import UnknownSpace
from proxy.search import STRATEGIES, InvalidSearch
from proxy.search.plan import MAX_BUDGET
from proxy.search.strategies import default_start
from tests.proxy.search.plans import plan


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"strategy": "evolutoin"}, "strategy 'evolutoin' does not exist; did you mean 'evolution'?"),
        ({"budget": 0}, "a budget of 0 is out of range; allowed: 1 to 100,000"),
        ({"budget": MAX_BUDGET + 1}, "allowed: 1 to 100,000"),
        ({"round_size": 0}, "a round of 0 is out of range; allowed: 1 to 1,000"),
        ({"start": 61}, "a warm-up pool of 61 does not fit a budget of 60; allowed: 1 to 60"),
        ({"start": 0}, "a warm-up pool of 0 does not fit"),
        ({"strategy": "evolution", "start": 61}, "a population of 61 does not fit a budget of 60; allowed: 1 to 60"),
        ({"strategy": "evolution", "tournament": 16}, "a tournament of 16 does not fit a population of 15"),
        ({"strategy": "evolution", "tournament": 0}, "a tournament of 0 does not fit"),
        ({"tournament": 3}, "strategy warmup-move knows no tournament"),
        ({"strategy": "random", "start": 3}, "strategy random knows no warm-up pool"),
        ({"objectives": "nothing"}, "objective 'nothing' does not exist"),
        ({"sampler": "pairs8"}, "space nasbench201 has no sampler 'pairs8'; allowed: cells"),
        ({"max_params": 0}, "a limit of 0 parameters allows nothing"),
    ],
)
def test_what_does_not_fit_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSearch, match=re.escape(message)):
        plan(**asked)


def test_an_unknown_space_is_refused() -> None:
    with pytest.raises(UnknownSpace, match="space 'darst' does not exist; did you mean 'darts'"):
        plan("darst", settings={})


@pytest.mark.parametrize(("budget", "start"), [(1, 1), (3, 1), (60, 15), (200, 50), (10_000, 50)])
def test_a_start_is_50_or_a_quarter_of_a_small_budget(budget: int, start: int) -> None:
    assert default_start(budget) == start
    for strategy in STRATEGIES:
        sizes = plan(strategy=strategy, budget=budget).sizes
        assert sizes.start == start
        assert 1 <= sizes.tournament <= sizes.population


def test_samplers_are_chosen_by_name() -> None:
    assert plan("darts").sampler.name == "pairs8"
    assert plan("darts", sampler="pairs14").sampler.name == "pairs14"


def test_strategies_say_what_they_are() -> None:
    assert all(strategy.title and strategy.paper for strategy in STRATEGIES.values())
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())
