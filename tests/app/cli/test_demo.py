from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.app.cli.processes import CROZE, descendants
from tests.workers.processes import is_alive, wait_until

#: What is set for it must not bend the demo's own.
ANOTHER_SERVICE = {"REDIS_URL": "redis://nobody.invalid:1/0", "CROZE_API_KEY": "of-another", "CROZE_ACCESS": "keys"}


@pytest.mark.slow
def test_the_demo_ranks_both_spaces_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*CROZE, "demo"], capture_output=True, text=True, timeout=280, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path), **ANOTHER_SERVICE},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["1", "cell", "13714"] in [row[:3] for row in rows], "the most accurate cell is the best by score"
    assert any(row[:3] == ["24", "cell", "10"] and row[-1] == "disconnected" for row in rows)
    assert [row[1] for row in rows if row[-1:] == ["97.24"]] == ["DARTS_V2"]
    assert "NAS-Bench-201, 23 connected" in done.stdout
    assert '"nasbench201_index": 13714' in done.stdout
    assert list(tmp_path.glob("croze-*")) == []


def test_ctrl_c_ends_the_demo_and_everything_it_started(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*CROZE, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as process:
        assert wait_until(lambda: len(descendants(process.pid)) >= 4, 60)
        started = [*descendants(process.pid)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert b"Traceback" not in err
        assert wait_until(lambda: not any(map(is_alive, started)), 20)
    assert list(tmp_path.glob("croze-*")) == []
