from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.where_time_goes import Place, table

ROOT = Path(__file__).parents[2]


def test_what_is_left_if_only_convolutions_and_products_took_time() -> None:
    shares = {"convolutions": 0.4, "products": 0.1, "norms, pools": 0.1, "passes over memory": 0.2, "rest": 0.2}
    place = Place("row", 2.0, 8.0, shares)
    assert place.at_most == pytest.approx(8.0)
    assert table([place]).splitlines()[-1] == "| `row` | 2.000 | 40% | 10% | 10% | 20% | 20% | 4.0 | 8.0 |"


@pytest.mark.slow
def test_a_row_is_profiled() -> None:
    command = [sys.executable, "-m", "benchmarks.where_time_goes", "--row", "nb201_all_skip", "--rounds", "1", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=True)
    (row,) = json.loads(done.stdout)
    shares = [value for name, value in row.items() if name not in ("name", "seconds", "at_most")]
    assert sum(shares) == pytest.approx(1)
    assert all(0 <= share < 1 for share in shares)
    # Two reductions are all its arithmetic: little else is multiplied.
    assert row["convolutions"] > 0.2
