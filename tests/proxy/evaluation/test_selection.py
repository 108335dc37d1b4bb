from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from proxy.evaluation import InvalidRequest
from proxy.evaluation.ranks import Floats
from proxy.evaluation.selection import size_of, top


def by_all_orders(scores: Floats, targets: Floats, k: int) -> tuple[float, float]:
    """Regret and overlap as means over every order in which ties could be broken."""
    rows = range(len(scores))
    orders = [list(order) for order in permutations(rows)]
    by_score = {tuple(sorted(order, key=lambda row: -scores[row])[:k]) for order in orders}
    by_target = {tuple(sorted(order, key=lambda row: -targets[row])[:k]) for order in orders}
    regrets = [targets.max() - max(targets[row] for row in chosen) for chosen in by_score]
    overlaps = [len(set(chosen) & set(best)) / k for chosen in by_score for best in by_target]
    return float(np.mean(regrets)), float(np.mean(overlaps))


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("scores", "targets"),
    [
        ([6, 5, 4, 3, 2, 1], [10, 60, 30, 40, 50, 20]),
        ([2, 2, 2, 1, 1, 1], [10, 60, 30, 40, 50, 20]),
        ([3, 1, 1, 1, 1, 2], [0, 0, 7, 7, 9, 5]),
        ([1, 1, 1, 1, 1, 1], [3, 1, 4, 1, 5, 9]),
        ([5, 1, 1, 0, 0, 0], [9, 1, 2, 9, 9, 9]),
    ],
)
def test_ties_at_the_border_are_averaged(scores: list[float], targets: list[float], k: int) -> None:
    x, y = np.array(scores, dtype=np.float64), np.array(targets, dtype=np.float64)
    found = top("", k, x, y)
    assert (found.regret, found.overlap) == pytest.approx(by_all_orders(x, y, k), abs=1e-12)


def test_the_target_itself_loses_nothing() -> None:
    numbers = np.random.default_rng(0).normal(size=500)
    found = top("10", 10, numbers, numbers)
    assert (found.regret, found.overlap) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "rows", "size"),
    [("10", 6_466, 10), ("1%", 6_466, 65), ("0.5%", 200, 1), ("1%", 10, 1), ("10", 10, None), ("100%", 7, None)],
)
def test_sizes(name: str, rows: int, size: int | None) -> None:
    assert size_of(name, rows) == size


@pytest.mark.parametrize(
    "name", ["", "%", "0", "-3", "1.5", "ten", "0%", "1/0", "nan", "inf%", "1e999999999%", "1E1", "9" * 50]
)
def test_sizes_that_are_none(name: str) -> None:
    with pytest.raises(InvalidRequest, match="top"):
        size_of(name, 100)
