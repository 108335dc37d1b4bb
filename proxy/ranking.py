"""Where a value stands among others, ties included. Torch-free.

Values are compared by *goodness*: the value itself if higher is better, else its negative.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from proxy.proxies import get_proxy

#: Scores that differ by less than this part of them are equal: it is more than the environment or float32 can change,
#: and less than lies between any two networks but by rare chance.
TOLERANCE: Final = 1e-5

Goodness = TypeVar("Goodness", float, npt.NDArray[np.float64])


class Standing(NamedTuple):
    """How a value compares with those of a ladder."""

    worse: int
    """How many of them are worse."""
    equal: int
    """How many are equal to it."""


class Ladder:
    """Values by one proxy, from the worst to the best."""

    def __init__(self, goodness: Iterable[float]) -> None:
        self._ascending = sorted(goodness)

    def __len__(self) -> int:
        return len(self._ascending)

    def standing(self, goodness: float) -> Standing:
        """Where a value of that goodness stands, be it one of them or not."""
        lowest, highest = equals(goodness)
        worse = bisect_left(self._ascending, lowest)
        return Standing(worse, bisect_right(self._ascending, highest) - worse)


def goodness_of(proxy: str, value: float) -> float:
    """What a value of that proxy is compared by."""
    return sign_of(proxy) * value


def sign_of(proxy: str) -> float:
    """1 if higher values of that proxy are better, else -1."""
    return 1.0 if get_proxy(proxy).direction == "higher_is_better" else -1.0


def equals(goodness: Goodness) -> tuple[Goodness, Goodness]:
    """The lowest and the highest that count as equal to it; of an array, those of each element."""
    margin = TOLERANCE * abs(goodness)
    return goodness - margin, goodness + margin
