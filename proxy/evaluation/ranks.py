"""Ranks with ties, what follows from them, and the one definition of an aggregate of ranks. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from proxy.aggregates import DIGITS
from proxy.ranking import equals

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.intp]
Rows: TypeAlias = npt.NDArray[np.bool_]
Columns: TypeAlias = Mapping[str, Floats]
"""Name -> one number a row; NaN where there is none. All columns have the same rows."""

#: A variable of which less than this share of variance is left, once others are held fixed, is given by them.
_NOTHING_LEFT: Final = 1e-9


def codes_of(values: Floats) -> Ints:
    """For each value, how many distinct smaller values there are, shape [n]. No value may be NaN."""
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def mean_ranks(values: Floats) -> Floats:
    """Ranks from 1 (smallest) to n (largest), shape [n]; equal values share the mean of theirs."""
    return weighted_ranks(codes_of(values), np.ones(len(values))) + 0.5


def weighted_ranks(codes: Ints, weights: Floats) -> Floats:
    """Mean ranks, less 1/2, of a sample that holds row i `weights[i]` times, shape [n]. Their weighted mean is n/2."""
    counts = np.bincount(codes, weights=weights)
    middles: Floats = np.cumsum(counts) - counts / 2
    return middles[codes]


def tied(codes: Ints) -> int:
    """How many rows share their value with another row."""
    counts = np.bincount(codes)
    return int(counts[counts > 1].sum())


def rank_covariance(codes: list[Ints], weights: Floats) -> Floats:
    """n times the covariance of the ranks of K columns in the weighted sample, shape [K, K]."""
    ranks = np.stack([weighted_ranks(each, weights) for each in codes])
    ranks -= weights.sum() / 2
    covariance: Floats = (ranks * weights) @ ranks.T
    return covariance


def correlation(covariance: Floats) -> Floats:
    """Correlations of covariances [..., K, K]; NaN where a variance is zero."""
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.sqrt(variances[..., :, None] * variances[..., None, :])
        result: Floats = np.where(scale > 0, covariance / scale, np.nan)
    return np.clip(result, -1.0, 1.0)


def held_fixed(covariance: Floats, given: int) -> Floats:
    """Covariances [..., K - given, K - given] of what is left of the ranks once the last `given` are held fixed.

    Each column's ranks are replaced by their residuals of a least-squares fit on the ranks of the given columns (with
    an intercept). With one given column z, the correlation of these is the textbook

        rho_xy.z = (rho_xy - rho_xz rho_yz) / sqrt((1 - rho_xz^2) (1 - rho_yz^2))

    A column of which nothing is left has the variance 0: its partial correlation is not defined.
    """
    rest = covariance.copy()
    before = np.diagonal(covariance, axis1=-2, axis2=-1)
    for _ in range(given):
        variance = rest[..., -1:, -1:]
        usable = variance > _NOTHING_LEFT * before[..., rest.shape[-1] - 1, None, None]
        share = np.where(usable, rest[..., :, -1:] / np.where(usable, variance, 1.0), 0.0)
        rest = (rest - share * rest[..., -1:, :])[..., :-1, :-1]
    kept = rest.shape[-1]
    gone = np.diagonal(rest, axis1=-2, axis2=-1) <= _NOTHING_LEFT * before[..., :kept]
    return np.where(gone[..., :, None] | gone[..., None, :], 0.0, rest)


def log_rank(columns: Columns) -> Floats:
    """Sum over the columns of log(rank / m), shape [n]: higher is better, 0 is the best there is.

    The m rows that have a value in every column are ranked by each column among themselves: worst = 1, best = m, equal
    values share the mean of their ranks. The other rows are not ranked: NaN. In every column higher has to be better.

    What is equal is said by `proxy.ranking`, and `proxy.aggregates.rank_all` gives the same values: those of a job.
    They are rounded as it compares them, so that equal sums are equal in their last bits too.
    """
    values = np.stack(list(columns.values()))
    ranked = np.isfinite(values).all(axis=0)
    result = np.full(values.shape[1], np.nan)
    m = int(ranked.sum())
    if m:
        total = sum(np.log(_tolerant_ranks(column[ranked]) / m) for column in values)
        result[ranked] = np.round(total, DIGITS)
    return result


def _tolerant_ranks(values: Floats) -> Floats:
    """Ranks from 1 (smallest), shape [n]: 1, and how many are smaller, and half of how many others are equal."""
    ascending = np.sort(values)
    with np.errstate(over="ignore"):  # what is equal to the largest numbers may reach to infinity
        lowest, highest = equals(values)
    smaller = np.searchsorted(ascending, lowest, side="left")
    up_to_equal = np.searchsorted(ascending, highest, side="right")
    ranks: Floats = (1 + smaller + up_to_equal) / 2
    return ranks
