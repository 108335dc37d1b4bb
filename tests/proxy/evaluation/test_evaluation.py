"""Scores and accuracies joined, on the committed sample of real cells."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from proxy.evaluation import InvalidRequest, InvalidTable, Options, log_rank
from proxy.evaluation.accuracies import read_accuracies
from proxy.evaluation.evaluation import Evaluation, evaluate
from proxy.evaluation.report import csv_text, document, markdown
from proxy.evaluation.scores import read_scores
from proxy.spaces import get_space
from proxy.spaces._base import ImageShape

GOLDEN = Path(__file__).parents[2] / "golden"
SCORES = read_scores([GOLDEN / "nasbench201_sample_scores.csv"])
ACCURACIES = read_accuracies(GOLDEN / "nasbench201_sample_accuracies.csv")
FEW = Options(resamples=20)
BOTH = "croze+jacob_cov"


def evaluated(targets: Sequence[str] = (), given: Sequence[str] = ("params",), options: Options = FEW) -> Evaluation:
    return evaluate(SCORES, ACCURACIES, targets=targets, aggregates=[BOTH], given=given, options=options)


def test_the_sample_is_what_it_says() -> None:
    assert len(SCORES.architectures) == 200
    assert SCORES.architectures == ACCURACIES.architectures
    assert all(np.isfinite(column).all() for column in (*SCORES.columns.values(), *ACCURACIES.columns.values()))
    # Two sources trained the same cells: their accuracies agree.
    difference = ACCURACIES.columns["cifar10_test"] - ACCURACIES.columns["clean"]
    assert np.abs(difference).mean() < 1.0


def test_every_pair_equals_scipy() -> None:
    found = evaluated()
    assert [target.name for target in found.targets][-3:] == ["corruptions", "hrs:fgsm", "hrs:pgd"]
    assert len(found.pairs) == len(found.targets) * 5
    for target in found.targets:
        for pair in found.of_target(target.name):
            scores = found.scores[pair.score]
            assert pair.spearman.value == pytest.approx(stats.spearmanr(scores, target.values).statistic, abs=1e-12)
            assert pair.kendall.value == pytest.approx(stats.kendalltau(scores, target.values).statistic, abs=1e-12)


def test_pairs_come_best_first() -> None:
    found = evaluated(["pgd", "clean"])
    assert [pair.target for pair in found.pairs] == ["pgd"] * 5 + ["clean"] * 5
    for target in ("pgd", "clean"):
        values = [pair.spearman.value or 0.0 for pair in found.of_target(target)]
        assert values == sorted(values, reverse=True)


def test_params_are_counted_where_no_file_has_them() -> None:
    counted = evaluated(["clean"])
    params = {**SCORES.columns, "params": np.array(counted_params())}
    told = evaluate(replace(SCORES, columns=params), ACCURACIES, targets=["clean"], given=["params"], options=FEW)
    (here,), (there,) = ([pair.partial for pair in each.pairs if pair.score == "croze"] for each in (counted, told))
    assert here == there
    assert here.value is not None
    assert abs(here.value) < 0.2  # what croze says, params say


def counted_params() -> list[float]:
    """Of the networks that the benchmark trained."""
    space = get_space("nasbench201")
    settings = {"channels": 16, "cells": 5, "classes": 10}
    cells = [space.parse(each).architecture for each in SCORES.architectures]
    return [float(space.counts(cell, settings, ImageShape(3, 32, 32)).params) for cell in cells]


def test_a_preset_has_its_own_name() -> None:
    found = evaluate(SCORES, ACCURACIES, targets=["clean"], aggregates=["robust", BOTH], options=FEW)
    assert found.aggregates["robust"] == ("croze", "jacob_cov")
    assert np.array_equal(found.scores["robust"], found.scores[BOTH], equal_nan=True)


def test_aggregates_rank_all_scored_architectures_also_those_without_an_accuracy() -> None:
    few = replace(
        ACCURACIES,
        architectures=ACCURACIES.architectures[:50],
        columns={name: column[:50] for name, column in ACCURACIES.columns.items()},
    )
    found = evaluate(SCORES, few, targets=["clean"], aggregates=[BOTH], options=FEW)
    of_all = log_rank({name: SCORES.columns[name] for name in ("croze", "jacob_cov")})
    assert found.scores[BOTH].tolist() == of_all[:50].tolist()
    assert found.aggregates == {BOTH: ("croze", "jacob_cov")}
    assert "150 architectures have a score and no accuracy; left out" in found.notes


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"targets": ["cleam"]}, "did you mean 'clean'"),
        ({"aggregates": ["croze"]}, "two or more"),
        ({"aggregates": ["croze+croze"]}, "two or more"),
        ({"aggregates": ["croze+jacov"]}, "no score 'jacov'"),
        ({"given": ["flops"]}, "cannot hold 'flops' fixed"),
        ({"options": Options(tops=("x",))}, "'x'"),
    ],
)
def test_requests_that_are_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        evaluate(SCORES, ACCURACIES, **arguments)  # type: ignore[arg-type]


def test_tables_that_do_not_fit() -> None:
    with pytest.raises(InvalidTable, match=r"space nasbench201.*darts"):
        evaluate(SCORES, replace(ACCURACIES, space="darts"))
    strangers = tuple(f"{each} " for each in ACCURACIES.architectures)
    with pytest.raises(InvalidTable, match="0 architectures have both"):
        evaluate(SCORES, replace(ACCURACIES, architectures=strangers))


def test_reports_hold_the_same_numbers() -> None:
    found = evaluated(["clean", "hrs:pgd"])
    told = document(found)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    rows = list(csv.DictReader(csv_text(found).splitlines()))
    pairs = told["pairs"]
    assert isinstance(pairs, list)
    for pair, row in zip(pairs, rows, strict=True):
        assert isinstance(pair, dict)
        assert (row["target"], row["score"]) == (pair["target"], pair["score"])
        for statistic in ("spearman", "kendall", "partial"):
            estimate = pair[statistic]
            assert isinstance(estimate, dict)
            assert float(row[statistic]) == estimate["value"]
            assert float(row[f"{statistic}_low"]) == estimate["low"]
        selections = pair["top"]
        assert isinstance(selections, list)
        assert [float(row["regret_at_10"]), float(row["overlap_at_1%"])] == [
            selections[0]["regret"], selections[-1]["overlap"]  # type: ignore[index, call-overload]
        ]  # fmt: skip
    text = markdown(found, [("A plot", "plot.png")])
    best = found.of_target("clean")[0]
    assert f"| {BOTH.replace('_', chr(92) + '_')} | 200 | {best.spearman.value:.3f} [" in text
    assert "![A plot](plot.png)" in text


def test_the_seed_decides_everything() -> None:
    first, again, other = (evaluated(["clean"], options=Options(resamples=20, seed=seed)) for seed in (1, 1, 2))
    assert document(first) == document(again)
    assert csv_text(first) == csv_text(again)
    assert csv_text(first) != csv_text(other)
