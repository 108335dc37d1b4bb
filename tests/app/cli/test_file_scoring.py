"""`croze score -o FILE` with real engines and real signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.cli.file_scoring import is_final
from app.cli.scoring_request import ScoringOptions, check_request, whole_space
from tests.app.cli import held_croze
from tests.app.cli.conftest import Croze
from tests.app.cli.processes import descendants
from tests.app.cli.test_output import item
from tests.workers import odd_engine_seeds as seeds
from tests.workers.processes import is_alive, wait_until
from tests.workers.scoring import ODD_ENGINE
from workers.engine_pool import EnginePool

TINY = ("--channels", "2", "--cells", "1")
WHOLE = ("score", "--space", "nasbench201", "--all", *TINY)
#: More than any machine needs to start two engines and score 60 tiny cells.
LONG_S = 120.0


def held(*arguments: str, at: int = -1) -> subprocess.Popen[bytes]:
    """`croze` on 60 cells, which waits once its file holds `at` of them."""
    command = [sys.executable, "-P", held_croze.__file__, str(at), *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(*arguments: str) -> str:
    """What a run that succeeds says."""
    with held(*arguments) as process:
        out, err = process.communicate(timeout=LONG_S)
    assert (process.returncode, out) == (0, b""), err.decode()
    return err.decode()


def items(file: Path) -> list[dict[str, Any]]:
    """All lines, in their order, without the time each took."""
    found = [json.loads(line) for line in file.read_bytes().splitlines()]
    for each in found:
        for score in each["scores"].values():
            del score["seconds"]
    return found


def lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The items of a run that nothing happened to."""
    file = tmp_path_factory.mktemp("undisturbed") / "all.jsonl"
    said = finished(*WHOLE, "-o", str(file))
    assert "60 of 60 scored" in said
    return items(file)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What is in the file of one cell, number 12."""
    file = tmp_path_factory.mktemp("one") / "one.jsonl"
    finished("score", "index:12", *TINY, "-o", str(file))
    return file.read_bytes()


@pytest.fixture
def file_of_one(one: bytes, tmp_path: Path) -> Path:
    file = tmp_path / "one.jsonl"
    file.write_bytes(one)
    return file


def test_the_whole_space_is_in_the_file_in_the_order_of_its_index(undisturbed: list[dict[str, Any]]) -> None:
    assert [each["index"] for each in undisturbed] == list(range(held_croze.CELLS))
    assert [each["facts"]["nasbench201_index"] for each in undisturbed] == list(range(held_croze.CELLS))
    assert all(each["settings"] == {"channels": 2, "cells": 1, "classes": 10} for each in undisturbed)


def test_all_means_all() -> None:
    options = ScoringOptions(space="nasbench201", settings={}, precision="float64", batch="cifar10:train[0:8]")
    request = check_request(whole_space("nasbench201"), options)
    assert len({entry.architecture.canonical for entry in request.entries}) == len(request.entries) == 15_625


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_that_is_ended_in_the_middle_is_gone_on_with(
    undisturbed: list[dict[str, Any]], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    file = tmp_path / "all.jsonl"
    with held(*WHOLE, "-o", str(file), at=25) as process:
        assert wait_until(lambda: lines(file) == 25 or process.poll() is not None, LONG_S)
        engines = list(descendants(process.pid))
        process.send_signal(number)
        _, err = process.communicate(timeout=LONG_S)
    assert process.returncode == code
    assert lines(file) == 25
    assert wait_until(lambda: not any(map(is_alive, engines)), LONG_S), "nothing is left running"
    assert b"Traceback" not in err
    assert number == signal.SIGKILL or b"25 of 60 are in" in err
    assert number == signal.SIGKILL or b"the same command goes on" in err
    before = file.read_bytes().splitlines()

    with file.open("ab") as stream:
        stream.write(before[-1][:200])  # torn, as a power cut may leave it
    said = finished(*WHOLE, "-o", str(file))

    assert "holds 25 of 60 already" in said
    assert "60 of 60 scored" in said
    assert items(file) == undisturbed
    assert set(before) <= set(file.read_bytes().splitlines()), "what was there was not computed again"


def test_a_complete_file_needs_no_engine(
    croze: Croze, file_of_one: Path, one: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.local_scoring.EnginePool", None)
    done = croze("score", "index:12", *TINY, "-o", str(file_of_one))
    assert (done.exit_code, done.out) == (0, "")
    assert "1 of 1 scored" in done.err
    assert file_of_one.read_bytes() == one


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("index:12", "--seed", "1"), "seed: 0 in the file, 1 now"),
        (("index:12", "--precision", "float64"), "precision: float32 in the file, float64 now"),
        (("index:12", "--cells", "2"), "cells: 1 in the file, 2 now"),
        (("index:12", "--classes", "11"), "classes: 10 in the file, 11 now"),
        (("index:12", "--batch", "cifar10:train[0:4]"), "batch: sha256:"),
        (("index:12", "--proxy", "croze:paper"), "proxies: croze in the file, croze:paper now"),
        (("index:12", "--proxy", "croze", "--proxy", "params"), "proxies: croze in the file, croze, params now"),
        (("index:12", "--per-layer"), "per-layer tables: False in the file, True now"),
        (("index:10", "index:12"), "index 0 is another architecture"),
    ],
)
def test_results_of_another_kind_are_never_mixed(
    croze: Croze, file_of_one: Path, one: bytes, changed: tuple[str, ...], said: str
) -> None:
    done = croze("score", *TINY, *changed, "-o", str(file_of_one))
    assert done.exit_code == 2
    assert said in done.err
    assert "name another file" in done.err
    assert file_of_one.read_bytes() == one


def test_a_newer_revision_of_a_proxy_is_another_kind(croze: Croze, file_of_one: Path) -> None:
    file_of_one.write_text(file_of_one.read_text().replace('"revision": 1', '"revision": 0'))
    done = croze("score", "index:12", *TINY, "-o", str(file_of_one))
    assert done.exit_code == 2
    assert "revision of croze: 0 in the file, 1 now" in done.err


def test_what_another_try_may_have_is_not_kept(croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.local_scoring.EnginePool", partial(EnginePool, command=ODD_ENGINE))
    file = tmp_path / "one.jsonl"
    done = croze("score", "index:12", *TINY, "--seed", str(seeds.DIES), "-o", str(file))
    assert (done.exit_code, lines(file)) == (1, 0)
    assert "argument 1: engine_crashed" in done.err
    assert "0 of 1 are in" in done.err


def test_what_will_never_have_a_score_is_kept() -> None:
    out_of_memory = item(0, None)
    out_of_memory["scores"]["croze"]["error"]["code"] = "out_of_memory"  # type: ignore[index, call-overload]
    assert is_final(item(0, 1.0))
    assert is_final(item(0, None))
    assert not is_final(out_of_memory)
    assert not is_final(item(0, None, status="canceled", scores={}))
    assert not is_final(item(0, None, scores={}, error={"code": "timeout", "message": "too long"}))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all"], "--all needs --space; spaces that can be listed: nasbench201"),
        (["--all", "--space", "darts"], "space darts cannot be listed"),
        (["--all", "--space", "dart"], "did you mean 'darts'"),
        (["--all", "--space", "nasbench201", "index:12"], "name none beside it"),
        (["--all", "--space", "nasbench201", "-f", "cells.txt"], "name none beside it"),
        (["--all", "--space", "nasbench201", "--per-layer", "-o", "x"], "--per-layer takes at most 100"),
        (["index:12", "-o", "x", "--format", "csv"], "-o writes JSON lines"),
        (["index:12", "-o", "."], "Is a directory"),
        (["index:12", "-o", "missing/x"], "No such file"),
        (["index:12", "-o", "/dev/null"], "no regular file"),
    ],
)
def test_wrong_use_ends_with_2(
    croze: Croze, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = croze("score", *arguments)
    assert (done.exit_code, done.out) == (2, "")
    assert said in done.err
    assert not list(tmp_path.iterdir())
