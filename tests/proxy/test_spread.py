"""Scores of several seeds: the numbers are those of the textbook, and a missing one is never left out in silence."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.spread import over_seeds
from tests.workers.jobs import score

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def merged(*values: float | None, **changes: Any) -> Any:
    """The scores of the seeds 0, 1, ... as one."""
    scores = [
        replace(
            score(0.0 if value is None else value),
            value=value,
            status="failed" if value is None else "scored",
            error={"code": "non_finite", "message": f"value {number}"} if value is None else None,
            components={} if value is None else {"features": value / 2},
            seed=number,
            **changes,
        )
        for number, value in enumerate(values)
    ]
    return over_seeds({number: each.to_json() for number, each in enumerate(scores)})


def test_the_value_is_the_mean_and_the_spread_says_of_what() -> None:
    found = merged(1.0, 2.0, 6.0)
    assert (found["status"], found["value"], found["seed"], found["error"]) == ("scored", 3.0, None, None)
    assert found["components"] == {"features": 1.5}
    assert found["spread"] == {
        "seeds": [0, 1, 2],
        "values": [1.0, 2.0, 6.0],
        "std": pytest.approx(math.sqrt(7), rel=1e-15),
        "stderr": pytest.approx(math.sqrt(7 / 3), rel=1e-15),
        "cached": 0,
    }
    assert found["seconds"] == pytest.approx(0.75)


def test_one_seed_without_a_value_leaves_none() -> None:
    found = merged(1.0, None, 3.0, None)
    assert (found["status"], found["value"], found["components"]) == ("failed", None, {})
    assert found["error"] == {"code": "non_finite", "message": "seed 1: value 1"}
    assert found["spread"]["values"] == [1.0, None, 3.0, None]
    assert found["spread"]["std"] is found["spread"]["stderr"] is None


def test_seconds_are_those_of_what_was_computed() -> None:
    one, other = replace(score(), seconds=2.0, cached=True).to_json(), replace(score(), seconds=0.5).to_json()
    assert over_seeds({0: one, 1: other})["seconds"] == 0.5
    assert not over_seeds({0: one, 1: other})["cached"]
    assert over_seeds({0: one, 1: one})["seconds"] == 4.0
    assert over_seeds({0: one, 1: one})["cached"]


def test_one_seed_in_float64_is_said() -> None:
    narrow, wide = replace(score(), computed_in="float32"), replace(score(), computed_in="float64")
    assert over_seeds({0: narrow.to_json(), 1: wide.to_json()})["computed_in"] == "float64"
    assert over_seeds({0: narrow.to_json(), 1: narrow.to_json()})["computed_in"] == "float32"


@pytest.mark.parametrize("values", [(1e308, 1.7e308, 1e308), (1.7e308, -1.7e308)])
def test_a_mean_or_deviation_beyond_all_floats_is_a_failure(values: tuple[float, ...]) -> None:
    found = merged(*values)
    assert (found["status"], found["value"], found["error"]["code"]) == ("failed", None, "non_finite")
    assert found["spread"]["std"] is None


@settings(max_examples=200, deadline=None, derandomize=True)
@given(values=st.lists(FINITE, min_size=2, max_size=16), order=st.randoms(use_true_random=False))
def test_any_numbers_give_their_mean_whatever_their_order_or_a_failure(
    values: list[float], order: random.Random
) -> None:
    found = merged(*values)
    order.shuffle(values)
    assert merged(*values)["value"] == found["value"]
    if found["status"] == "scored":
        assert found["value"] == pytest.approx(statistics.mean(values), rel=1e-12, abs=1e-300)
        exact = statistics.stdev(values)
        assert found["spread"]["std"] == pytest.approx(exact, rel=1e-9, abs=1e-9 * max(map(abs, values)))
    else:
        assert max(map(abs, values)) > 1e307
