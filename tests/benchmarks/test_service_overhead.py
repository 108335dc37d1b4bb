"""The processor time of engines is counted, and only of those that this process has started."""

from __future__ import annotations

import sys

import pytest

from benchmarks.service_overhead import engines_seconds
from tests.workers.scoring import small_batch, small_task
from workers.engine import Engine


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_an_engines_processor_time_is_counted_while_it_lives() -> None:
    before = engines_seconds()
    with Engine() as engine:
        engine.start()
        batch = small_batch()
        engine.load_batch(batch)
        engine.score(small_task(batch))
        assert engines_seconds() > before + 0.3, "importing torch alone takes more"
    assert engines_seconds() == before
