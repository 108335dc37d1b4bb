"""Searches on made-up scores: what they propose, and when they end."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import pytest

from proxy.search import STRATEGIES, NothingAllowed, Proposal, Search, proposer
from proxy.search.objectives import points_of
from proxy.search.pareto import dominates
from tests.proxy.search.plans import convolutions, plan, run, texts

SPACES_AND_SAMPLERS = [("nasbench201", "cells"), ("darts", "pairs8"), ("darts", "pairs14")]


def edges_changed(before: str, after: str) -> int:
    split = [text.replace("+", "").split("|") for text in (before, after)]
    return sum(one != other for one, other in zip(*split, strict=True))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("space", "sampler"), SPACES_AND_SAMPLERS)
def test_a_search_keeps_to_its_budget_and_limit_and_repeats_nothing(space: str, sampler: str, strategy: str) -> None:
    limit = 6_000_000 if space == "darts" else 800_000
    search = run(Search(plan(space, strategy, sampler=sampler, max_params=limit, budget=70)))
    assert len(search.trials) == 70 == len({*texts(search)})
    assert [trial.proposal.number for trial in search.trials] == [*range(70)]
    assert all(trial.proposal.counts.params <= limit for trial in search.trials)
    assert search.ask() == []


@pytest.mark.parametrize("objectives", ["croze", "croze,macs", "robust", "robust,params"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_seed_proposes_the_same_and_another_does_not(strategy: str, objectives: str) -> None:
    first, second, other = (
        run(Search(plan(strategy=strategy, objectives=objectives, seed=seed))) for seed in (7, 7, 8)
    )
    assert first.trials == second.trials
    assert texts(first) != texts(other)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_larger_budget_begins_with_the_same(strategy: str) -> None:
    small = run(Search(plan(strategy=strategy, budget=43, start=None if strategy == "random" else 20)))
    large = run(Search(plan(strategy=strategy, budget=90, start=None if strategy == "random" else 20)))
    assert large.trials[:43] == small.trials


@pytest.mark.parametrize(
    ("strategy", "objectives", "digest"),
    [
        ("warmup-move", "croze", "f6a2bea4ee8dedc1"),
        ("warmup-move", "robust,macs", "36b801b9b2136c3c"),
        ("evolution", "croze", "d9fd8e8fe11cd16f"),
        ("evolution", "robust,macs", "a5840777ae65329f"),
        ("random", "croze", "f448a8c2178077bb"),
    ],
)
def test_a_seed_is_for_ever(strategy: str, objectives: str, digest: str) -> None:
    """Searches that were begun with another release of Python or of this can be gone on with."""
    search = run(Search(plan(strategy=strategy, objectives=objectives, seed=42, budget=120)))
    assert sha256("\n".join(texts(search)).encode()).hexdigest()[:16] == digest


def test_the_first_proposals_of_seed_42() -> None:
    assert texts(run(Search(plan(strategy="random", seed=42, budget=2)))) == [
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "|avg_pool_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|skip_connect~1|nor_conv_1x1~2|",
    ]


def test_warmup_move_draws_a_pool_and_then_moves_from_the_best_so_far() -> None:
    search = run(Search(plan(start=20, round_size=5)))
    assert all(trial.proposal.parent is None for trial in search.trials[:20])
    for trial in search.trials[20:]:
        proposal = trial.proposal
        before = [each for each in search.trials if each.proposal.round < proposal.round]
        best = max(each.values["croze"] for each in before if each.values)
        assert proposal.parent is not None
        parent = search.trials[proposal.parent]
        assert parent.values is not None
        assert parent.values["croze"] == best
        changed = edges_changed(parent.proposal.architecture.canonical, proposal.architecture.canonical)
        assert 1 <= changed <= proposal.moves
    assert sum(trial.proposal.moves == 1 for trial in search.trials[20:]) > 20


def test_parents_of_several_objectives_are_those_that_none_dominated() -> None:
    search = run(Search(plan(objectives="croze,macs", start=20, round_size=5)))
    objectives, parents = search.plan.objectives, set[int]()
    for trial in search.trials[20:]:
        parent = trial.proposal.parent
        assert parent is not None
        before = [each.values for each in search.trials if each.proposal.round < trial.proposal.round and each.values]
        values = search.trials[parent].values
        assert values is not None
        (point, *others) = points_of(objectives, [values, *before])
        assert not any(dominates(other, point) for other in others)
        parents.add(parent)
    assert len(parents) > 5, "not always the same"


def test_parents_of_evolution_are_among_the_youngest() -> None:
    search = run(Search(plan(strategy="evolution", start=10, round_size=4, tournament=3, budget=120)))
    for trial in search.trials[10:]:
        born = min(each.proposal.number for each in search.trials if each.proposal.round == trial.proposal.round)
        assert trial.proposal.parent is not None
        assert born - 10 <= trial.proposal.parent < born


def test_a_tournament_of_all_is_mostly_won_by_the_best_of_the_population() -> None:
    search = run(Search(plan(strategy="evolution", start=10, round_size=1, tournament=10, budget=100)))
    won = 0
    for trial in search.trials[10:]:
        population = search.trials[trial.proposal.number - 10 : trial.proposal.number]
        best = max(each.values["croze"] for each in population if each.values)
        assert trial.proposal.parent is not None
        values = search.trials[trial.proposal.parent].values
        assert values is not None
        won += values["croze"] == best
    # Contenders are drawn with repetition: the best takes part in 1 - (9/10)^10 = 65 %.
    assert 45 < won <= 90


@pytest.mark.parametrize("strategy", ["warmup-move", "evolution"])
def test_searches_find_the_best_where_random_does_not(strategy: str) -> None:
    best = convolutions_of_all = 18.0
    found = [run(Search(plan(strategy=strategy, seed=seed, budget=200))).best for seed in range(3)]
    drawn = [run(Search(plan(strategy="random", seed=seed, budget=200))).best for seed in range(3)]
    assert [each.values["croze"] for each in found if each and each.values] == [best] * 3
    assert all(each.values["croze"] < convolutions_of_all for each in drawn if each and each.values)


def no_convolution(proposal: Proposal) -> Mapping[str, float] | None:
    """Fails for what would be best."""
    values = convolutions(proposal)
    return None if values["croze"] >= 6 else values


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_failed_counts_and_is_never_a_parent(strategy: str) -> None:
    search = run(Search(plan(strategy=strategy, budget=100)), no_convolution)
    failed = {trial.proposal.number for trial in search.trials if trial.values is None}
    assert len(search.trials) == 100
    assert failed
    assert not failed & {trial.proposal.parent for trial in search.trials}
    assert search.best is not None
    assert search.best.proposal.number not in failed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_of_which_everything_fails_ends_without_a_best(strategy: str) -> None:
    search = run(Search(plan(strategy=strategy)), lambda _: None)
    assert len(search.trials) == 60
    assert (search.best, search.front, search.ranking) == (None, [], [])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_small_space_is_searched_to_its_end(strategy: str) -> None:
    # Cells without any convolution have the fewest parameters: 3 ** 6 of them.
    search = run(Search(plan(strategy=strategy, max_params=73_306, budget=1_000)))
    assert search.exhausted
    assert len(search.trials) == 3**6
    assert not any("conv" in text for text in texts(search))


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("nasbench201", r"at most 1,000 parameters: of all 15,625, the smallest has 73,306 \(nasbench201, channels 16"),
        ("darts", r"at most 1,000 parameters: of 500 that were drawn, the smallest has 1,\d\d\d,\d\d\d \(darts"),
    ],
)
def test_a_limit_that_nothing_meets_is_an_error(space: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposer, "DRAWS", 500)
    with pytest.raises(NothingAllowed, match=message) as raised:
        Search(plan(space, max_params=1_000)).ask()
    assert raised.value.code == "nothing_allowed"


def test_ranking_and_front() -> None:
    search = run(Search(plan(objectives="croze,macs", budget=200)))
    values = [trial.values for trial in search.ranking]
    crozes = [each["croze"] for each in values if each]
    assert crozes == sorted(crozes, reverse=True)
    front = [trial.values for trial in search.front]
    macs = [each["macs"] for each in front if each]
    assert macs == sorted(macs, reverse=True)
    assert search.best == search.front[0]


def test_values_have_all_that_the_objectives_need() -> None:
    search = Search(plan(objectives="croze,macs", budget=1))
    search.ask()
    with pytest.raises(AssertionError, match="macs"):
        search.tell([{"croze": 1.0}])
