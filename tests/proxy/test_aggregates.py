"""Aggregates: the numbers of the definition, whatever the ties, and nothing out of nothing."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.aggregates import (
    AGGREGATES,
    Row,
    aggregate_of,
    get_aggregate,
    is_validated,
    log_rank,
    rank_against,
    rank_all,
    rank_in,
    read_aggregate,
    row_of,
)
from proxy.errors import InvalidAggregate, ProxyError, UnknownAggregate, UnknownProxy
from proxy.evaluation import log_rank as evaluated
from proxy.proxies import PROXIES
from proxy.ranking import TOLERANCE, Ladder, goodness_of
from proxy.spaces import SPACES

VALUES = st.floats(-1e12, 1e12) | st.integers(-5, 5).map(float)
ROWS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=30)
#: Few values, each with neighbours within and just beyond what counts as equal; and the largest there are.
NEAR = st.builds(
    lambda value, steps: value * (1 + steps * TOLERANCE),
    st.sampled_from([-2.0, 0.0, 1e-300, 3.0, 1e9]),
    st.sampled_from([0.0, 0.4, 0.8, 1.2, 1.6, 3.0]),
) | st.sampled_from([-sys.float_info.max, sys.float_info.max, math.nextafter(sys.float_info.max, 0)])


def by_definition(rows: list[Row], index: int) -> float:
    """The sum over the proxies of log(rank / m); worst = 1, equal values share the mean of their ranks."""
    total = 0.0
    for column in zip(*rows, strict=True):
        own = column[index]
        worse = sum(other < own - TOLERANCE * abs(own) for other in column)
        equal = sum(abs(other - own) <= TOLERANCE * abs(own) for other in column)
        total += math.log((worse + (equal + 1) / 2) / len(rows))
    return total


def test_the_best_by_all_has_zero_and_the_worst_the_logarithm_of_its_ranks() -> None:
    table = rank_all({"a": [1.0, 10.0], "b": [2.0, 30.0], "c": [3.0, 20.0]})
    assert {name: round(ranked.value, 12) for name, ranked in table.items()} == {
        "a": round(2 * math.log(1 / 3), 12),
        "b": round(math.log(2 / 3), 12),
        "c": round(math.log(2 / 3), 12),
    }
    assert {name: ranked.rank for name, ranked in table.items()} == {"a": 3, "b": 1, "c": 1}
    assert rank_all({0: [1.0, 1.0], 1: [2.0, 2.0]})[1].value == 0.0


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    close = 5.0 * (1 + TOLERANCE / 2)
    ladder = Ladder([1.0, 5.0, close, 9.0])
    assert [rank_in(ladder, value)[0] for value in (1.0, 5.0, close, 9.0)] == [1.0, 2.5, 2.5, 4.0]
    apart = 5.0 * (1 + TOLERANCE * 2)
    assert [rank_in(Ladder([5.0, apart]), value)[0] for value in (5.0, apart)] == [1.0, 2.0]
    assert rank_all({0: [3.0, 3.0], 1: [3.0, 3.0]})[0].value == pytest.approx(2 * math.log(1.5 / 2))


def test_what_is_not_on_the_ladder_is_ranked_as_if_it_were_added() -> None:
    ladder = Ladder([1.0, 2.0, 2.0, 3.0])
    found = [rank_against(ladder, value) for value in (0.5, 1.5, 2.0, 3.5)]
    assert found == [(1.0, 5), (2.0, 5), (3.0, 5), (5.0, 5)]
    for value in (0.5, 1.5, 2.0, 3.5):
        assert rank_against(ladder, value) == rank_in(Ladder([1.0, 2.0, 2.0, 3.0, value]), value)


def test_one_alone_can_be_ranked_against_others() -> None:
    ladders = [Ladder([1.0, 2.0, 3.0]), Ladder([10.0, 20.0, 30.0])]
    (ranked,) = rank_all({7: [2.5, 5.0]}, ladders).values()
    assert ranked.value == pytest.approx(math.log(3 / 4) + math.log(1 / 4))
    assert ranked.rank == 1


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_any_values_are_ranked_as_defined(rows: list[Row]) -> None:
    table = rank_all(dict(enumerate(rows)))
    for index, (value, rank) in table.items():
        assert value == pytest.approx(by_definition(rows, index), rel=1e-12, abs=1e-12)
        assert value <= 0
        assert rank == 1 + sum(round(other.value, 12) > round(value, 12) for other in table.values())


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(NEAR, NEAR, NEAR), min_size=1, max_size=30))
def test_evaluation_gives_the_same_numbers(rows: list[Row]) -> None:
    table = rank_all(dict(enumerate(rows)))
    columns = {str(number): np.array(column) for number, column in enumerate(zip(*rows, strict=True))}
    found = evaluated(columns)
    assert found.tolist() == pytest.approx([ranked.value for ranked in table.values()], rel=0, abs=1e-11)


def test_near_ties_are_ties_in_evaluation_too() -> None:
    columns = {"a": [5.0, 5.0 * (1 + TOLERANCE / 2), 7.0, 0.0], "b": [1.0, 2.0, -3.0 * (1 + TOLERANCE / 2), -3.0]}
    rows = dict(enumerate(zip(*columns.values(), strict=True)))
    expected = [[2.5, 3], [2.5, 4], [4, 1.5], [1, 1.5]]
    by_hand = [math.log(one / 4) + math.log(other / 4) for one, other in expected]
    assert [ranked.value for ranked in rank_all(rows).values()] == pytest.approx(by_hand)
    assert evaluated({name: np.array(column) for name, column in columns.items()}).tolist() == pytest.approx(by_hand)


def test_equal_sums_of_other_ranks_are_equal_in_evaluation_too() -> None:
    columns = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 6.0, 4.0, 3.0, 5.0, 2.0]]  # 2 * 6 = 3 * 4
    table = rank_all(dict(enumerate(zip(*columns, strict=True))))
    assert [ranked.rank for ranked in table.values()] == [6, 2, 2, 2, 1, 2]
    found = evaluated({str(number): np.array(column) for number, column in enumerate(columns)})
    assert [1 + int((found > value).sum()) for value in found] == [6, 2, 2, 2, 1, 2]


def test_where_lower_is_better_the_lowest_is_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROXIES, "macs", replace(PROXIES["macs"], direction="lower_is_better"))
    assert goodness_of("macs", 5.0) == -5.0
    assert row_of(["params", "macs"], {"params": {"value": 2.0}, "macs": {"value": 3.0}}) == [2.0, -3.0]


def test_what_lacks_a_value_has_no_row() -> None:
    scores = {"croze": {"value": 1.0}, "params": {"value": None}}
    assert row_of(["croze", "params"], scores) is None
    assert row_of(["croze", "macs"], scores) is None
    assert row_of(["croze"], scores) == [1.0]


def test_nothing_ranks_to_nothing() -> None:
    assert rank_all({}) == {}
    assert log_rank([]) == 0.0


def test_aggregates_are_read_by_name_or_by_their_proxies() -> None:
    assert read_aggregate("robust") is AGGREGATES["robust"]
    found = read_aggregate("croze+params")
    assert (found.name, found.proxies, found.validated_on) == ("croze+params", ("croze", "params"), ())


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("robost", UnknownAggregate, "did you mean 'robust'"),
        ("croze", UnknownAggregate, "allowed: robust, or name proxies of your own"),
        ("croze+parms", UnknownProxy, "did you mean 'params'"),
        ("croze+croze", InvalidAggregate, "'croze' is named more than once"),
        ("croze+", UnknownProxy, "''"),
    ],
)
def test_what_is_none_is_refused(text: str, error: type[ProxyError], says: str) -> None:
    with pytest.raises(error, match=says):
        read_aggregate(text)


def test_fewer_than_two_proxies_and_other_methods_are_refused() -> None:
    for proxies in (["croze"], []):
        with pytest.raises(InvalidAggregate, match="name 2 to 20"):
            aggregate_of(proxies)
    with pytest.raises(InvalidAggregate, match="allowed: log_rank"):
        aggregate_of(["croze", "params"], "mean")


def test_presets_are_whole() -> None:
    for name, preset in AGGREGATES.items():
        assert (name, aggregate_of(preset.proxies).proxies) == (preset.name, preset.proxies)
        assert set(preset.validated_on) <= SPACES.keys()
        assert preset.title
        assert "+" not in name
        assert name not in PROXIES
        assert is_validated(name, "nasbench201") == ("nasbench201" in preset.validated_on)
    assert not is_validated("croze+params", "nasbench201")
    assert get_aggregate("robust").method == "log_rank"
