"""What is lost by taking the k architectures that a score likes best. Torch-free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from proxy.errors import shown
from proxy.evaluation.errors import InvalidRequest
from proxy.evaluation.ranks import Floats

#: The sizes of selections that are looked at unless others are asked for.
DEFAULT_TOPS: Final = ("10", "50", "100", "1%")


@dataclass(frozen=True, slots=True)
class Top:
    """The k rows of the best scores, against the k rows of the best targets."""

    name: str
    """As asked for: "10" or "1%"."""
    k: int
    regret: float
    """Best target of all rows less best target among the k of the best scores, in the target's unit: 0 is best."""
    overlap: float
    """Share of the k rows of the best scores that are among the k of the best targets, 0..1. By chance: k / n."""


def size_of(name: str, rows: int) -> int | None:
    """How many rows "10" or "1%" (rounded up) are; None if that is not fewer than all.

    Raises:
        InvalidRequest: it is neither.
    """
    try:
        # Without an exponent: 1e999999999 would be written out.
        plain = len(name) <= 20 and not set(name) & set("/eE")
        share = Fraction(name.removesuffix("%")) if plain else None
    except (ValueError, ZeroDivisionError):
        share = None
    percent = name.endswith("%")
    if share is None or share <= 0 or (not percent and share.denominator != 1):
        raise InvalidRequest(f"top {shown(name)} is no number of rows; write a whole number or a share, as 10 or 1%")
    k = math.ceil(share * rows / 100) if percent else int(share)
    return k if k < rows else None


def top(name: str, k: int, scores: Floats, targets: Floats) -> Top:
    """Regret and overlap of complete columns of shape [n], n > k.

    Where equal values straddle the border, both are means over all ways to break the tie.
    """
    chosen, best = _membership(scores, k), _membership(targets, k)
    regret = float(targets.max()) - _expected_best(scores, targets, k)
    return Top(name, k, regret, float(chosen @ best) / k)


def _membership(values: Floats, k: int) -> Floats:
    """For each row, the probability to be among the k largest if ties are broken by chance."""
    border = np.partition(values, len(values) - k)[len(values) - k]
    above, equal = values > border, values == border
    return np.where(above, 1.0, np.where(equal, (k - above.sum()) / equal.sum(), 0.0))


def _expected_best(scores: Floats, targets: Floats, k: int) -> float:
    """Mean, over the ways to break ties, of the best target among the k best scores."""
    border = np.partition(scores, len(scores) - k)[len(scores) - k]
    sure = targets[scores > border]
    candidates = np.sort(targets[scores == border])[::-1]
    picked = k - len(sure)
    floor = float(sure.max()) if len(sure) else -math.inf
    expected, none_yet = 0.0, 1.0
    for position, target in enumerate(map(float, candidates)):
        if target <= floor or not none_yet:
            break
        # Probability that this one is picked, given that none of the better ones is.
        now = min(1.0, picked / (len(candidates) - position))
        expected += none_yet * now * target
        none_yet *= 1.0 - now
    return expected + none_yet * floor if none_yet else expected
