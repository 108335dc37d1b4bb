"""What is committed is what the searches find."""

from __future__ import annotations

import pytest

from benchmarks import search_comparison
from benchmarks.search_comparison import BUDGETS, CSV, OBJECTIVES, SEEDS, Everything, Found, compare, read, table
from proxy.search import STRATEGIES


@pytest.fixture(scope="module")
def everything() -> Everything:
    return Everything()


def test_every_search_is_there_once() -> None:
    found = [(each.objective, each.strategy, each.seed, each.budget) for each in read(CSV)]
    assert len({*found}) == len(found) == len(OBJECTIVES) * len(STRATEGIES) * SEEDS * len(BUDGETS)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_search_finds_what_is_committed(everything: Everything, strategy: str) -> None:
    again = [*compare(everything, "croze", strategy, 0, *everything.standing("croze"))]
    assert again == [each for each in read(CSV) if (each.objective, each.strategy, each.seed) == ("croze", strategy, 0)]


def test_ranks_and_front_are_those_of_the_whole_space(everything: Everything) -> None:
    ranks, front = everything.standing("croze,macs")
    croze = everything.columns["croze"]
    best = max(ranks, key=lambda index: croze[index])
    assert ranks[best] == 1
    assert best in front
    assert sorted(ranks.values())[:3] == [1, 2, 3]


def test_a_budget_looks_at_the_first_trials_only(everything: Everything, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_comparison, "BUDGETS", (60,))
    standing = everything.standing("croze")
    short = [*compare(everything, "croze", "evolution", 1, *standing)]
    monkeypatch.setattr(search_comparison, "BUDGETS", (60, 90))
    assert [*compare(everything, "croze", "evolution", 1, *standing)][:1] == short


def test_table() -> None:
    def found(strategy: str, seed: int, clean: float, budget: int) -> Found:
        return Found(
            objective="croze", strategy=strategy, budget=budget, seed=seed, index=0, rank=seed + 1, clean=clean,
            fgsm_1=50.0, best_tried=94.0, front=0.0,
        )  # fmt: skip

    better = {"warmup-move": 0.5}
    rows = [
        found(strategy, seed, 93.0 + seed + (better.get(strategy, 0.0) if seed == 0 else 0.0), budget)
        for budget in BUDGETS
        for strategy in STRATEGIES
        for seed in (0, 1)
    ]
    lines = table(rows).splitlines()
    assert len(lines) == 2 + len(BUDGETS) * len(STRATEGIES)
    line = "| 100 | `warmup-move` | 1.5 | 93.75 ± 0.35 | 50.00 ± 0.00 | 1 better, 1 equal, 0 worse | 94.00 ± 0.00 |"
    assert lines[2] == line
    assert "| 100 | `random` | 1.5 | 93.50 ± 0.71 | 50.00 ± 0.00 | - | 94.00 ± 0.00 |" in lines
