"""The numbers are scipy's, on the same rows: with and without ties, gaps, and resamples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from proxy.evaluation import Estimate, InvalidRequest, Options, Pair, evaluate_columns, spearman_difference
from proxy.evaluation.ranks import Columns, Floats

FEW = Options(resamples=20, tops=("5",))


def columns(rows: int = 200, digits: int = 1) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, Floats]]:
    """Scores, targets and a given column that share a cause. Few digits: many ties."""
    draw = np.random.default_rng(3)
    cause = draw.normal(size=rows)
    made = [np.round(cause + draw.normal(size=rows), digits) for _ in range(5)]
    return {"a": made[0], "b": -made[1]}, {"clean": made[2], "pgd": made[3] * (made[3] > 0)}, {"params": made[4]}


def by_name(pairs: list[Pair]) -> dict[tuple[str, str], Pair]:
    return {(pair.score, pair.target): pair for pair in pairs}


def partial_by_residuals(x: Floats, y: Floats, given: list[Floats]) -> float:
    """The definition, by least squares and scipy's ranks."""
    design = np.stack([np.ones(len(x)), *map(stats.rankdata, given)], axis=1)
    left = [ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0] for ranks in map(stats.rankdata, (x, y))]
    return float(stats.pearsonr(*left).statistic)


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_equal_to_scipy(digits: int) -> None:
    scores, targets, given = columns(digits=digits)
    found = by_name(evaluate_columns(scores, targets, given, FEW))
    assert list(found) == [("a", "clean"), ("b", "clean"), ("a", "pgd"), ("b", "pgd")]
    for (score, target), pair in found.items():
        x, y = scores[score], targets[target]
        assert pair.rows == pair.partial_rows == 200
        assert pair.spearman.value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert pair.kendall.value == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
        assert pair.partial.value == pytest.approx(partial_by_residuals(x, y, [given["params"]]), abs=1e-9)
        assert pair.tied_scores == 200 - int((np.unique(x, return_counts=True)[1] == 1).sum())
        assert pair.tied_targets == 200 - int((np.unique(y, return_counts=True)[1] == 1).sum())


def test_several_given_columns() -> None:
    scores, targets, given = columns()
    both = {"params": given["params"], "b": scores["b"]}
    pair = by_name(evaluate_columns(scores, targets, both, FEW))["a", "clean"]
    expected = partial_by_residuals(scores["a"], targets["clean"], [*both.values()])
    assert pair.partial.value == pytest.approx(expected, abs=1e-9)


def test_a_score_given_itself_says_nothing() -> None:
    scores, targets, _ = columns()
    doubled = {"a": scores["a"], "the same order": scores["a"] * 3 + 1}
    found = by_name(evaluate_columns(scores, targets, doubled, FEW))
    assert found["a", "clean"].partial == Estimate(None, None, None)
    assert found["b", "clean"].partial.value == pytest.approx(
        partial_by_residuals(scores["b"], targets["clean"], [scores["a"]]), abs=1e-9
    )


def test_intervals_are_percentiles_of_resampled_rows() -> None:
    scores, targets, given = columns(rows=60)
    pair = by_name(evaluate_columns(scores, targets, given, FEW))["a", "pgd"]
    generator = np.random.default_rng(FEW.seed)
    drawn: dict[str, list[float]] = {"spearman": [], "kendall": [], "partial": []}
    for _ in range(20):
        rows = generator.integers(60, size=60)
        x, y, z = scores["a"][rows], targets["pgd"][rows], given["params"][rows]
        drawn["spearman"].append(stats.spearmanr(x, y).statistic)
        drawn["kendall"].append(stats.kendalltau(x, y).statistic)
        drawn["partial"].append(partial_by_residuals(x, y, [z]))
    for statistic, values in drawn.items():
        estimate = getattr(pair, statistic)
        assert (estimate.low, estimate.high) == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=1e-9)


def test_each_pair_uses_the_rows_that_have_both() -> None:
    scores, targets, given = columns()
    scores["a"][:50] = np.nan
    targets["pgd"][40:80] = np.nan
    given["params"][150:] = np.nan
    found = by_name(evaluate_columns(scores, targets, given, FEW))
    assert {name: pair.rows for name, pair in found.items()} == {
        ("a", "clean"): 150, ("b", "clean"): 200, ("a", "pgd"): 120, ("b", "pgd"): 160
    }  # fmt: skip
    pair = found["a", "pgd"]
    assert pair.spearman.value == pytest.approx(stats.spearmanr(scores["a"][80:], targets["pgd"][80:]).statistic)
    assert pair.partial_rows == 70
    assert pair.partial.value == pytest.approx(
        partial_by_residuals(scores["a"][80:150], targets["pgd"][80:150], [given["params"][80:150]])
    )


def test_a_pair_does_not_depend_on_what_else_is_evaluated() -> None:
    scores, targets, given = columns()
    alone = evaluate_columns({"b": scores["b"]}, {"pgd": targets["pgd"]}, given, FEW)
    assert alone == [by_name(evaluate_columns(scores, targets, given, FEW))["b", "pgd"]]
    assert alone != evaluate_columns({"b": scores["b"]}, {"pgd": targets["pgd"]}, given, Options(resamples=20, seed=1))


@pytest.mark.parametrize(
    ("score", "rows"),
    [([1.0, 1.0, 1.0, 1.0], 4), ([1.0, 2.0], 2), ([np.nan] * 5, 0)],
    ids=["all equal", "two rows", "no rows"],
)
def test_what_is_not_defined_is_none(score: list[float], rows: int) -> None:
    numbers = np.arange(len(score), dtype=np.float64)
    (pair,) = evaluate_columns({"a": np.array(score)}, {"t": numbers}, {"g": numbers}, FEW)
    assert pair.rows == rows
    assert pair.spearman == pair.kendall == pair.partial == Estimate(None, None, None)


def test_no_resamples_no_intervals() -> None:
    scores, targets, _ = columns()
    pair = evaluate_columns(scores, targets, options=Options(resamples=0))[0]
    assert pair.spearman.value is not None
    assert (pair.spearman.low, pair.spearman.high) == (None, None)
    assert pair.partial == Estimate(None, None, None)
    assert pair.partial_rows == 0


def test_progress_adds_up() -> None:
    scores, targets, given = columns()
    scores["a"][3] = np.nan
    told: list[float] = []
    evaluate_columns(scores, targets, given, FEW, told.append)
    assert sum(told) == pytest.approx(1.0)


def test_difference_is_paired() -> None:
    scores, targets, given = columns()
    scores["a"][:10] = np.nan
    found = spearman_difference(scores["a"], given["params"], targets["clean"], Options(resamples=200))
    first, second = (
        stats.spearmanr(column[10:], targets["clean"][10:]).statistic for column in (scores["a"], given["params"])
    )
    low, high = found.low, found.high
    assert found.value == pytest.approx(first - second, abs=1e-12)
    assert low is not None
    assert high is not None
    assert low < first - second < high
    same = spearman_difference(scores["a"], scores["a"] * 2, targets["clean"])
    assert same == Estimate(0.0, 0.0, 0.0)
    assert spearman_difference(scores["a"][:10], scores["b"][:10], targets["clean"][:10]).value is None


NUMBERS = {"a": np.arange(5.0)}


@pytest.mark.parametrize(
    ("scores", "targets", "options", "text"),
    [
        ({}, NUMBERS, FEW, "no score"),
        (NUMBERS, {}, FEW, "no target"),
        (NUMBERS, {"t": np.arange(4.0)}, FEW, "different lengths"),
        (NUMBERS, NUMBERS, Options(resamples=-1), "resamples"),
        (NUMBERS, NUMBERS, Options(level=1.0), "level"),
        (NUMBERS, NUMBERS, Options(tops=("many",)), "'many'"),
    ],
)
def test_refused(scores: Columns, targets: Columns, options: Options, text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        evaluate_columns(scores, targets, options=options)
