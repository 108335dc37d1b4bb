from __future__ import annotations

import pytest

from app.cli.ranking import spearman


@pytest.mark.parametrize(
    ("x", "y", "rho"),
    [
        ([1, 2, 3], [10, 20, 90], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 2, 3, 4], [1, 3, 2, 4], 0.8),
        ([1, 1, 2], [1, 1, 5], 1.0),  # ties share their mean rank
        ([1, 1, 2, 3], [1, 2, 3, 4], 0.9486832980505138),
    ],
)
def test_known_values(x: list[float], y: list[float], rho: float) -> None:
    assert spearman(x, y) == pytest.approx(rho, abs=1e-15)


@pytest.mark.parametrize(("x", "y"), [([], []), ([1.0], [2.0]), ([1.0, 1.0], [1.0, 2.0])])
def test_undefined_is_none_and_not_a_number(x: list[float], y: list[float]) -> None:
    assert spearman(x, y) is None
