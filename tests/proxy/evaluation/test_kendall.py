"""tau-b of any ties and any weights is scipy's of the rows written out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from proxy.evaluation.kendall import KendallPair, TiedPairs, integer_weights
from proxy.evaluation.ranks import codes_of

ROW = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 3))


@settings(deadline=None, max_examples=200)
@given(st.lists(ROW, min_size=1, max_size=40))
def test_weighted_tau_is_that_of_repeated_rows(rows: list[tuple[int, int, int]]) -> None:
    x, y, weights = (np.array(column) for column in zip(*rows, strict=True))
    codes_x, codes_y = codes_of(x.astype(np.float64)), codes_of(y.astype(np.float64))
    both = integer_weights(np.stack([weights, np.ones(len(rows))], axis=1).astype(np.int16))
    tied_x, tied_y = (TiedPairs(codes).count(both) for codes in (codes_x, codes_y))
    found = KendallPair(codes_x, codes_y).tau(both, tied_x, tied_y)
    repeated = np.repeat(np.arange(len(rows)), weights)
    for value, chosen in zip(found, (repeated, np.arange(len(rows))), strict=True):
        if len(set(x[chosen])) < 2 or len(set(y[chosen])) < 2:
            assert np.isnan(value)
        else:
            np.testing.assert_allclose(value, stats.kendalltau(x[chosen], y[chosen]).statistic, atol=1e-12)


def test_the_count_does_not_overflow() -> None:
    rows = 70_000  # more pairs than 32 bits count
    codes = np.arange(rows)
    weights = integer_weights(np.ones((rows, 1), dtype=np.int16))
    none = np.zeros(1)
    assert KendallPair(codes, codes).tau(weights, none, none).tolist() == [1.0]
    assert KendallPair(codes, codes[::-1].copy()).tau(weights, none, none).tolist() == [-1.0]
