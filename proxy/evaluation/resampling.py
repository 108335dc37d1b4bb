"""Rank correlations of every score with every target, and the same in bootstrap resamples. Torch-free.

All pairs share the resamples, and a resample's ranks are worked out once for each column, not once for each pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from proxy.evaluation.kendall import KendallPair, TiedPairs, Weights, integer_weights
from proxy.evaluation.ranks import Floats, Ints, codes_of, correlation, held_fixed, rank_covariance

#: Resamples that Kendall's tau is worked out for at a time: what they need fits into a processor's cache.
_AT_A_TIME: Final = 32
#: An interval needs this share of the resamples to have a value: in a small sample of ties some have none.
_NEEDED: Final = 0.9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic with the interval of its bootstrap; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


UNDEFINED: Final = Estimate(None, None, None)


@dataclass(frozen=True, slots=True)
class Draws:
    """Statistics of P scores and T targets on the same n rows: of the rows as they are, then of R resamples."""

    spearman: Floats
    """Shape [1 + R, P, T]; NaN where it is not defined."""
    partial: Floats
    """Shape [1 + R, P, T]: Spearman's rho given the held columns; NaN everywhere without any."""
    kendall: Floats
    """Shape [1 + R, P, T]; [0, P, T] if it was not asked for."""

    def estimate(self, statistic: str, score: int, target: int, level: float) -> Estimate:
        """One of them with its percentile interval."""
        return interval(getattr(self, statistic)[:, score, target], level)


def resampled(
    scores: Sequence[Floats],
    targets: Sequence[Floats],
    given: Sequence[Floats],
    *,
    resamples: int,
    kendall: bool = True,
    seed: int,
    advance: Callable[[float], None] = lambda _share: None,
) -> Draws:
    """All statistics of complete columns (no NaN), each of shape [n].

    Args:
        resamples: of the rows, with replacement. The same (n, seed) gives the same resamples, whatever the columns.
        kendall: whether Kendall's tau is wanted; it takes five times as long as the others.
        advance: is told which share of the work has been done since it was last called.
    """
    columns = [codes_of(column) for column in (*scores, *targets, *given)]
    weights = _weights(len(columns[0]), resamples, seed)
    p, t = len(scores), len(targets)
    share = 0.2 / (1 + resamples)
    spearman, partial = np.empty((1 + resamples, p, t)), np.full((1 + resamples, p, t), np.nan)
    for draw in range(1 + resamples):
        covariance = rank_covariance(columns, weights[:, draw].astype(np.float64))
        spearman[draw] = correlation(covariance)[:p, p : p + t]
        if given:
            partial[draw] = correlation(held_fixed(covariance, len(given)))[:p, p : p + t]
        advance(share)
    if not kendall:
        return Draws(spearman, partial, np.empty((0, p, t)))
    tau_b = np.empty((1 + resamples, p, t))
    for score, target, taus in _kendall(columns[:p], columns[p : p + t], weights):
        tau_b[:, score, target] = taus
        advance(0.8 / (p * t))
    return Draws(spearman, partial, tau_b)


def interval(values: Floats, level: float) -> Estimate:
    """The first value, and the percentile interval of the others."""
    point = float(values[0]) if np.isfinite(values[0]) else None
    drawn = values[1:][np.isfinite(values[1:])]
    if point is None or len(drawn) == 0 or len(drawn) < _NEEDED * (len(values) - 1):
        return Estimate(point, None, None)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(point, float(low), float(high))


def _weights(rows: int, resamples: int, seed: int) -> npt.NDArray[np.int16]:
    """How often each resample holds each row, shape [rows, 1 + resamples]. The first holds each once."""
    generator = np.random.default_rng(seed)
    weights = np.ones((rows, 1 + resamples), dtype=np.int16)
    for draw in range(1, 1 + resamples):
        weights[:, draw] = np.bincount(generator.integers(rows, size=rows), minlength=rows)
    return weights


def _kendall(
    scores: Sequence[Ints], targets: Sequence[Ints], weights: npt.NDArray[np.int16]
) -> Iterator[tuple[int, int, Floats]]:
    """(score, target, tau-b in each resample) of each pair."""
    parts: list[Weights] = [
        np.ascontiguousarray(integer_weights(weights[:, begin : begin + _AT_A_TIME]))
        for begin in range(0, weights.shape[1], _AT_A_TIME)
    ]
    tied_scores, tied_targets = (
        [[tie.count(part) for part in parts] for tie in map(TiedPairs, side)] for side in (scores, targets)
    )
    for i, x in enumerate(scores):
        for j, y in enumerate(targets):
            pair = KendallPair(x, y)
            taus = [
                pair.tau(part, tied_x, tied_y)
                for part, tied_x, tied_y in zip(parts, tied_scores[i], tied_targets[j], strict=True)
            ]
            yield i, j, np.concatenate(taus)
