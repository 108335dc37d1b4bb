"""`croze search` with real engines and a real SIGKILL: cut off half way, it ends with the same."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.app.cli.processes import CROZE, descendants
from tests.app.cli.test_search import lines, trials
from tests.workers.processes import is_alive, wait_until

BUDGET = 200
SEARCH = (
    "search", "--space", "nasbench201", "--channels", "2", "--cells", "1", "--budget", str(BUDGET), "--seed", "11",
    "--objective", "croze,macs",
)  # fmt: skip
#: More than a busy machine needs for 200 tiny cells.
LONG_S = 300.0


def search(folder: Path) -> subprocess.Popen[bytes]:
    command = [*CROZE, *SEARCH, "--out", str(folder)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(folder: Path) -> tuple[str, str]:
    """What a search that succeeds prints."""
    with search(folder) as process:
        out, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


@pytest.mark.slow
@pytest.mark.timeout(3 * LONG_S)
def test_a_search_that_is_killed_half_way_ends_with_the_same_result(tmp_path: Path) -> None:
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    file = killed / "trials.jsonl"
    with search(killed) as process:
        assert wait_until(lambda: process.poll() is not None or (file.exists() and lines(file) >= BUDGET // 2), LONG_S)
        engines = list(descendants(process.pid))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=LONG_S)
    assert process.returncode == -signal.SIGKILL
    assert BUDGET // 2 <= lines(file) < BUDGET
    assert wait_until(lambda: not any(map(is_alive, engines)), LONG_S), "nothing is left running"
    before = file.read_bytes()

    out, err = finished(killed)
    there = before.count(b"\n")
    assert f"holds {there} of {BUDGET} trials already" in err
    assert file.read_bytes().startswith(before), "what was there was not computed again"
    assert finished(undisturbed)[0] == out
    assert trials(killed) == trials(undisturbed)
    assert len(trials(killed)) == BUDGET
    for name in ("result.json", "search.json"):
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_search_says_how_to_go_on(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with search(tmp_path) as process:
        file = tmp_path / "trials.jsonl"
        assert wait_until(lambda: process.poll() is not None or (file.exists() and lines(file) >= 5), LONG_S)
        engines = list(descendants(process.pid))
        process.send_signal(number)
        out, err = process.communicate(timeout=LONG_S)
    assert (process.returncode, out) == (code, b""), err.decode()
    assert f"what was scored is in {tmp_path}; the same command goes on from there" in err.decode()
    assert b"Traceback" not in err
    assert wait_until(lambda: not any(map(is_alive, engines)), LONG_S), "nothing is left running"
