"""Kendall's tau-b, for one sample and for many resamples of it at once. Torch-free.

    tau_b = (C - D) / sqrt((N - X) (N - Y))

C and D count the concordant and the discordant pairs of rows, N all pairs, X and Y those that are tied in x and in y.

A resample holds row i w_i times. Pairs are then counted with weights, so that the order of the rows, which costs the
most, is worked out once for all resamples. D is counted bit by bit: sorted by x, a pair is discordant if its first
row's y is larger: if both agree in the leading bits of (the code of) y, and the first of them alone has the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from proxy.evaluation.ranks import Floats, Ints

Weights: TypeAlias = npt.NDArray[Any]
"""Shape [n, R], integers: how often each of R resamples holds each row."""

#: The largest number of rows for which the count of pairs is sure to fit into 32 bits.
_MAX_ROWS_INT32: Final = 40_000


@dataclass(frozen=True, slots=True)
class _Bit:
    """Rows by the value of one bit of y, in an order that puts equal leading bits side by side, then by x."""

    ones: Ints
    zeros: Ints
    before: Ints
    """For each of `zeros`: how many of `ones` come before it."""
    begin: Ints
    """For each of `zeros`: how many of `ones` come before those with its leading bits."""


class TiedPairs:
    """Counts the pairs that are tied in one column."""

    def __init__(self, codes: Ints) -> None:
        self.any = len(codes) > 0 and int(codes.max()) + 1 < len(codes)
        self._order = np.argsort(codes, kind="stable")
        self._starts = np.flatnonzero(np.diff(codes[self._order], prepend=-1))

    def count(self, weights: Weights) -> Floats:
        """Shape [R]. A row that is held twice is tied with itself."""
        groups = weights if not self.any else np.add.reduceat(weights[self._order], self._starts, axis=0)
        sizes = groups.astype(np.float64)
        count: Floats = (sizes * (sizes - 1)).sum(axis=0) / 2
        return count


class KendallPair:
    """tau-b of two columns, in any number of resamples."""

    def __init__(self, x: Ints, y: Ints) -> None:
        """Args: the codes of the two columns (`ranks.codes_of`), each of shape [n]."""
        order = np.lexsort((y, x))  # ties in x by y: never discordant
        self._bits = _bits(y[order], order)
        self._joint = TiedPairs(np.unique(x * (int(y.max(initial=0)) + 1) + y, return_inverse=True)[1].reshape(-1))

    def tau(self, weights: Weights, tied_x: Floats, tied_y: Floats) -> Floats:
        """tau-b in each resample, shape [R]; NaN where all pairs are tied in x or in y."""
        rows = weights.sum(axis=0, dtype=np.float64)
        pairs = rows * (rows - 1) / 2
        difference: Floats = pairs - tied_x - tied_y + self._joint.count(weights) - 2 * self._discordant(weights)
        scale = np.sqrt((pairs - tied_x) * (pairs - tied_y))
        tau: Floats = np.divide(difference, scale, out=np.full(len(scale), np.nan), where=scale > 0)
        return tau

    def _discordant(self, weights: Weights) -> Floats:
        total = np.zeros(weights.shape[1])
        for bit in self._bits:
            sums = np.zeros((len(bit.ones) + 1, weights.shape[1]), dtype=weights.dtype)
            np.cumsum(weights[bit.ones], axis=0, out=sums[1:])
            larger = sums[bit.before]
            larger -= sums[bit.begin]
            larger *= weights[bit.zeros]
            total += larger.sum(axis=0, dtype=np.int64)
        return total


def integer_weights(weights: npt.NDArray[np.int16]) -> Weights:
    """The same in the smallest type in which no count overflows."""
    return weights.astype(np.int32 if len(weights) <= _MAX_ROWS_INT32 else np.int64)


def _bits(y: Ints, rows: Ints) -> list[_Bit]:
    """All bits of `y`, of rows that are in order of x."""
    bits: list[_Bit] = []
    for position in range(int(y.max(initial=0)).bit_length()):
        order = np.argsort(y >> (position + 1), kind="stable")
        leading, is_one = y[order] >> (position + 1), (y[order] >> position) & 1 == 1
        ones_before = np.cumsum(is_one) - is_one
        starts = np.flatnonzero(np.diff(leading, prepend=-1))
        sizes = np.diff(starts, append=len(leading))
        begin = np.repeat(ones_before[starts], sizes)
        matter = ~is_one & (ones_before > begin)
        if matter.any():
            bits.append(_Bit(rows[order][is_one], rows[order][matter], ones_before[matter], begin[matter]))
    return bits
