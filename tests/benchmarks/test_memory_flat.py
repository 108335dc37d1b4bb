from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.memory_flat import judge

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("samples", "verdict"),
    [
        ([300.0] * 20, 0),
        ([250.0, *[300.0] * 19], 0),  # what is made with the first scores is no growth
        ([300.0] * 19 + [314.0], 0),
        ([300.0] * 19 + [316.0], 1),
        ([300.0 + n for n in range(20)], 1),
        ([601.0] * 20, 1),
        ([300.0], 0),
    ],
)
def test_growth_and_size_are_judged(samples: list[float], verdict: int) -> None:
    assert judge(samples) == verdict


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_engine_is_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.memory_flat", "20", "--channels", "2", "--cells", "1", "--every", "10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    heading, *rows, verdict = done.stdout.splitlines()
    assert heading.split()[0] == "scored", done.stderr
    assert [int(row.split()[0]) for row in rows] == [0, 10, 20]
    assert all(float(row.split()[1]) > 10 for row in rows)
    assert verdict.startswith("growth")
    assert done.returncode in (0, 1), done.stderr
