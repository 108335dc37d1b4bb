from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.app.cli.conftest import Croze
from tests.app.cli.processes import CROZE, descendants
from tests.workers import odd_engine_seeds as seeds
from tests.workers.processes import is_alive, wait_until
from tests.workers.scoring import ODD_ENGINE
from workers import known_answer
from workers.engine_pool import EnginePool

CELL = "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
#: Index 12 at seed 0 on the default batch, by the authors' own code (tests/golden).
CELL_SCORE = 800342.6688


def test_json_holds_one_item_a_line_in_input_order_and_nothing_else(croze: Croze) -> None:
    done = croze(
        "score", "--local", "--proxy", "croze", "--proxy", "params", "--format", "json", "-",
        stdin=f'# cells\n{{"architecture": 12, "format": "nats_tss_index", "id": "twelve"}}\n\nindex:10\n"{CELL}"\n',
    )  # fmt: skip
    assert done.exit_code == 0, done.err
    items = [json.loads(line) for line in done.out.splitlines()]
    assert [item["index"] for item in items] == [0, 1, 2]
    first, disconnected, same = items
    assert (first["id"], first["format"], first["architecture"]) == ("twelve", "nats_tss_index", CELL)
    assert first["scores"]["croze"]["value"] == pytest.approx(CELL_SCORE, rel=1e-9)
    assert first["scores"]["params"]["value"] == first["params"]
    assert same["scores"]["croze"]["value"] == first["scores"]["croze"]["value"]
    assert (first["scores"]["croze"]["cached"], same["scores"]["croze"]["cached"]) == (False, True)
    assert (disconnected["connected"], disconnected["status"]) == (False, "scored")
    assert set(first) == {
        "index", "id", "status", "architecture", "space", "settings", "format", "params", "macs", "connected",
        "facts", "scores", "aggregate", "representative", "error", "started_at", "finished_at", "retried_index",
    }  # fmt: skip
    assert "3 of 3 scored" in done.err


def test_csv_and_table_go_to_standard_output(croze: Croze) -> None:
    small = ("--proxy", "params", "--cells", "1", "--channels", "4")
    as_csv = croze("score", "index:12", "--format", "csv", *small)
    (row,) = csv.DictReader(io.StringIO(as_csv.out))
    assert (as_csv.exit_code, row["cells"], row["channels"]) == (0, "1", "4")
    as_table = croze("score", "index:12", *small)
    assert CELL in as_table.out
    assert as_table.exit_code == 0


def test_per_layer_adds_the_table(croze: Croze) -> None:
    small = ("--cells", "1", "--channels", "2", "--format", "json")
    with_layers = json.loads(croze("score", "index:12", "--per-layer", *small).out)["scores"]["croze"]
    without = json.loads(croze("score", "index:12", *small).out)["scores"]["croze"]
    assert sum(layer["value"] for layer in with_layers["layers"]) == pytest.approx(with_layers["value"], rel=1e-12)
    assert "layers" not in without


def test_a_batch_file_is_scored_on(croze: Croze, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    file = tmp_path / "mine.npz"
    np.savez(file, images=images, labels=np.array([0, 1, 2, 1]))
    small = ("--cells", "1", "--channels", "2", "--batch", str(file), "--format", "json")
    item = json.loads(croze("score", "index:12", *small).out)
    assert item["settings"]["classes"] == 3
    too_few = croze("score", "index:12", *small, "--classes", "2")
    assert too_few.exit_code == 2
    assert "at least 3 classes" in too_few.err
    file.write_bytes(b"no npz")
    assert croze("score", "index:12", *small).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["index:15625"], "", "argument 1"),
        (["index:12", "|nine~0|"], "", "argument 2"),
        (["-"], f"{CELL}\n\n{CELL.replace('avg_pool', 'pool')}\n", "standard input:3"),
        (["-"], "# nothing\n", "no architecture given"),
        (["-f", "missing.txt"], "", "cannot read missing.txt"),
        (["index:12", "--local", "--url", "http://127.0.0.1:1"], "", "exclude each other"),
        (["index:12", "--per-layer"], "", "--format json"),
        (["index:12", "--layers", "8"], "", "'layers' is no setting"),
        (["index:12", "--batch", "cifar99"], "", "cifar99"),
        (["index:12", "--batch", "missing.npz"], "", "does not exist"),
        (["index:12", "--proxy", "crose"], "", "did you mean 'croze'"),
        (["index:12", "--precision", "float16"], "", "allowed: float64"),
        (["index:12", "--channels", "4096"], "", "GiB of memory"),
        (["index:12", "--url", "nonsense"], "", "no URL of a service"),
    ],
)
def test_wrong_input_ends_with_2_and_says_where_and_why(
    croze: Croze, arguments: list[str], stdin: str, said: str
) -> None:
    done = croze("score", *arguments, stdin=stdin)
    assert (done.exit_code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_service_that_is_not_there_ends_with_1(croze: Croze) -> None:
    done = croze("score", "index:12", "--url", "http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "croze up" in done.err


def test_a_wrong_file_of_many_lines_does_not_scroll_everything_away(croze: Croze) -> None:
    done = croze("score", "-", stdin="rubbish\n" * 5000)
    assert done.exit_code == 2
    assert "5000 architectures are not valid" in done.err
    assert len(done.err.splitlines()) == 22
    assert "and 4980 more" in done.err


def test_a_closed_pipe_is_no_error_worth_a_traceback() -> None:
    command = [sys.executable, "-P", "-m", "app.cli.main", "score", "--format", "csv", "--proxy", "params", "index:12"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "Traceback" not in err


def test_an_architecture_that_kills_its_engine_fails_alone_and_the_exit_code_says_so(
    croze: Croze, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.local_scoring.EnginePool", partial(EnginePool, command=ODD_ENGINE))
    small = ("--cells", "1", "--channels", "2", "--seed", str(seeds.DIES))
    done = croze("score", "index:12", *small, "--format", "json")
    item = json.loads(done.out)
    assert (done.exit_code, item["status"], item["error"]["code"], item["scores"]) == (
        1,
        "failed",
        "engine_crashed",
        {},
    )
    assert "argument 1: engine_crashed" in done.err
    assert "0 of 1 scored" in done.err


def test_a_machine_that_computes_wrong_scores_gives_none(croze: Croze, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [replace(known, value=known.value + 1) for known in known_answer.KNOWN]
    monkeypatch.setattr(known_answer, "KNOWN", wrong)
    done = croze("score", "index:12", "index:10")
    assert (done.exit_code, done.out) == (1, "")
    assert "this machine computes wrong scores: the known answer in float64" in " ".join(done.err.split())


def test_a_machine_without_engines_is_told_once(croze: Croze, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (sys.executable, "-c", "raise SystemExit('no torch here')")
    monkeypatch.setattr("app.cli.local_scoring.EnginePool", partial(EnginePool, command=broken))
    done = croze("score", "index:12", "index:10")
    assert (done.exit_code, done.out) == (1, "")
    assert "no torch here" in done.err
    assert "croze doctor" in done.err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_an_interrupt_leaves_nothing_running(number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [*CROZE, "score", "--local", "--format", "json", *(f"index:{index}" for index in range(500))],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"index": 0')
    engines = list(descendants(process.pid))
    assert engines
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in err
    assert wait_until(lambda: not any(map(is_alive, engines)), 20)
