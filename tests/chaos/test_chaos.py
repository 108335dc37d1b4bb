"""The short form of `make chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="orphans are found in /proc"),
]


def test_nothing_is_lost_in_a_storm(tmp_path: Path) -> None:
    report = run(tmp_path, kills=8, items=60, seed=1)
    assert report.kills.total() >= 8
    assert report.recoveries
