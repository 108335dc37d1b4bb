"""Fronts and crowding, against their definitions."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.search.pareto import Point, crowding, dominates, front, ranks

POINTS = st.lists(st.tuples(*[st.integers(0, 5).map(float)] * 3), min_size=1, max_size=30)


@settings(deadline=None)
@given(POINTS)
def test_front_is_what_no_other_dominates(points: list[Point]) -> None:
    expected = [
        position for position, point in enumerate(points) if not any(dominates(other, point) for other in points)
    ]
    assert front(points) == expected


@settings(deadline=None)
@given(POINTS)
def test_ranks_are_fronts_of_what_is_left(points: list[Point]) -> None:
    found = ranks(points)
    for number in range(max(found) + 1):
        left = [position for position, rank in enumerate(found) if rank >= number]
        members = {left[position] for position in front([points[position] for position in left])}
        assert members == {position for position, rank in enumerate(found) if rank == number}


def test_dominating_takes_one_that_is_better_and_none_that_is_worse() -> None:
    assert dominates((2.0, 1.0), (1.0, 1.0))
    assert not dominates((2.0, 0.0), (1.0, 1.0))
    assert not dominates((1.0, 1.0), (1.0, 1.0))


def test_crowding_is_the_gap_between_neighbours_as_a_share_of_the_span() -> None:
    points = [(0.0, 10.0), (1.0, 6.0), (4.0, 0.0), (0.0, 0.0)]
    assert crowding(points, ranks(points)) == [math.inf, 4 / 4 + 10 / 10, math.inf, math.inf]


def test_equal_points_are_in_a_front_together_and_have_no_room() -> None:
    points = [(1.0, 1.0)] * 4
    assert ranks(points) == [0] * 4
    assert sorted(crowding(points, [0] * 4)) == [0.0, 0.0, math.inf, math.inf]


def test_of_one_objective_the_front_is_the_best() -> None:
    assert front([(1.0,), (3.0,), (2.0,), (3.0,)]) == [1, 3]
