from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from app.cli import bench
from app.cli.errors import CommandError
from proxy.bench.rows import ROWS
from tests.app.cli.conftest import Croze
from tests.app.cli.processes import CROZE, descendants
from tests.workers.processes import is_alive, is_gone_within, wait_until

NUMBERS = (
    "seconds_yardstick", "seconds_float64", "seconds_float32", "gflop", "achieved_gflops", "fraction_of_peak",
    "ratio_to_yardstick", "ratio_float64", "ratio_float32",
)  # fmt: skip


def test_one_json_document_on_stdout(croze: Croze) -> None:
    done = croze("bench", "--json", "--quick", "--row", "nb201_all_skip", "--channels", "2")
    assert done.exit_code == 0, done.err
    document = json.loads(done.out)
    assert document["gemm_gflops"] >= document["gemm_gflops_before"] > 0
    assert document["machine"]["threads"] == 1
    (row,) = document["rows"]
    assert row["name"] == "nb201_all_skip"
    assert row["settings"]["channels"] == 2
    assert all(row[name] > 0 for name in NUMBERS)
    assert row["ratio_to_yardstick"] == row["seconds_yardstick"] / row["seconds_float32"]
    assert "nb201_all_skip: yardstick" in done.err


def test_unknown_rows_are_refused_before_anything_is_measured(croze: Croze) -> None:
    done = croze("bench", "--row", "nb201_al_skip")
    assert done.exit_code == 2
    assert "nb201_all_skip" in done.err
    assert done.out == ""


def test_rows_come_once_and_in_the_order_of_the_table() -> None:
    assert bench.known_rows(["darts_v2_16x8", "nb201_mean", "darts_v2_16x8"]) == ["nb201_mean", "darts_v2_16x8"]
    assert bench.known_rows([*ROWS]) == [*ROWS]


def test_ctrl_c_ends_the_measuring_process() -> None:
    with subprocess.Popen(
        [*CROZE, "bench", "--row", "darts_v2_36x20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert wait_until(lambda: measuring(process.pid) != [], 60)
        (child,) = measuring(process.pid)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in err
    assert b"nothing is left running" in err
    assert is_gone_within(child, 20)


def test_a_killed_command_takes_the_measuring_process_along() -> None:
    with subprocess.Popen(
        [*CROZE, "bench", "--row", "darts_v2_36x20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert wait_until(lambda: measuring(process.pid) != [], 60)
        (child,) = measuring(process.pid)
        assert is_alive(child)
        process.kill()
        process.communicate(timeout=60)
    assert is_gone_within(child, 20)


def measuring(pid: int) -> list[int]:
    """The measuring process of a command, once it is tied to it."""
    return [child for child, line in descendants(pid).items() if "-m proxy.bench" in line and "tether" not in line]


def test_a_process_without_a_result_is_an_error_with_its_last_words() -> None:
    code = 'import sys; print(\'{"type": "progress", "what": "a", "done": 0, "total": 1}\'); sys.exit(\'no torch\')'
    with pytest.raises(CommandError, match="exit code 1") as caught:
        bench.measured([sys.executable, "-c", code], bar=False)
    assert "no torch" in caught.value.details
    assert "croze doctor" in caught.value.details[-1]


def test_a_silent_process_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SILENCE_S", 0.1)
    with pytest.raises(CommandError, match="silent"):
        bench.measured([sys.executable, "-c", "import time; time.sleep(600)"], bar=False)
