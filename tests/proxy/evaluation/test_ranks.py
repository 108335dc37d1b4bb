from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy import stats

from proxy.evaluation import log_rank
from proxy.evaluation.ranks import mean_ranks


@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0], [5.0, 5.0, 5.0], [2.0, 1.0, 2.0, 0.0, 1.0], [7.0], []])
def test_mean_ranks_are_scipys(values: list[float]) -> None:
    assert mean_ranks(np.array(values)).tolist() == stats.rankdata(values).tolist()


def test_log_rank_by_hand() -> None:
    columns = {"a": np.array([10.0, 20.0, 20.0, 40.0]), "b": np.array([4.0, 1.0, 2.0, 3.0])}
    expected = [log(1 / 4) + log(4 / 4), log(2.5 / 4) + log(1 / 4), log(2.5 / 4) + log(2 / 4), log(4 / 4) + log(3 / 4)]
    assert log_rank(columns).tolist() == pytest.approx(expected)


def test_rows_without_every_value_are_not_ranked() -> None:
    columns = {"a": np.array([1.0, np.nan, 3.0, 2.0]), "b": np.array([1.0, 5.0, np.nan, 2.0])}
    found = log_rank(columns)
    assert np.isnan(found).tolist() == [False, True, True, False]
    assert found[[0, 3]].tolist() == pytest.approx([2 * log(1 / 2), 0.0])
    assert np.isnan(log_rank({"a": np.array([np.nan, np.nan])})).all()
