"""What is best by several objectives at once. Torch-free.

Sources: Deb, Pratap, Agarwal, Meyarivan: NSGA-II (IEEE Transactions on Evolutionary Computation, 2002).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

Point: TypeAlias = tuple[float, ...]
"""How good something is by each objective: higher is better."""


def dominates(a: Point, b: Point) -> bool:
    """Whether `a` is at least as good by each objective, and better by one."""
    return a != b and all(x >= y for x, y in zip(a, b, strict=True))


def front(points: Sequence[Point]) -> list[int]:
    """Positions of the points that no other dominates, ascending. Equal points are in it together."""
    # From the best by the first objective down, no point is dominated by a later one.
    descending = sorted(range(len(points)), key=lambda position: points[position], reverse=True)
    found: list[int] = []
    for position in descending:
        if not any(dominates(points[other], points[position]) for other in found):
            found.append(position)
    return sorted(found)


def ranks(points: Sequence[Point]) -> list[int]:
    """For each point the number of its front: 0 for those that none dominates, 1 for those that only these do, ..."""
    found = [0] * len(points)
    left, number = [*range(len(points))], 0
    while left:
        members = {left[position] for position in front([points[each] for each in left])}
        for each in members:
            found[each] = number
        left, number = [each for each in left if each not in members], number + 1
    return found


def crowding(points: Sequence[Point], ranks_of: Sequence[int]) -> list[float]:
    """For each point how far apart its neighbours in its front are; infinite at the ends.

    Args:
        ranks_of: `ranks` of these points.
    """
    distance = [0.0] * len(points)
    for rank in set(ranks_of):
        members = [position for position, its_rank in enumerate(ranks_of) if its_rank == rank]
        for objective in range(len(points[0])):
            _add_gaps(distance, members, [point[objective] for point in points])
    return distance


def _add_gaps(distance: list[float], members: list[int], values: Sequence[float]) -> None:
    """Add to each member's distance its gap in one objective, as a share of what all members span."""
    ordered = sorted(members, key=lambda position: values[position])
    span = values[ordered[-1]] - values[ordered[0]]
    distance[ordered[0]] = distance[ordered[-1]] = math.inf
    if span > 0:
        for before, position, after in zip(ordered, ordered[1:], ordered[2:], strict=False):
            distance[position] += (values[after] - values[before]) / span
