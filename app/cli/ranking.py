"""Rank correlation, for judging a score by published accuracies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rho with average ranks for ties; None where it is undefined (fewer than two values, or all equal)."""
    assert len(x) == len(y), "one y for each x"
    ranks_x, ranks_y = _ranks(x), _ranks(y)
    if len(x) < 2 or np.ptp(ranks_x) == 0 or np.ptp(ranks_y) == 0:
        return None
    return float(np.corrcoef(ranks_x, ranks_y)[0, 1])


def _ranks(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    first = np.cumsum(counts) - counts
    mean_rank: npt.NDArray[np.float64] = first + (counts - 1) / 2
    return mean_rank[inverse]
