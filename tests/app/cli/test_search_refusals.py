"""`croze search` asked for what there is not, or where it cannot work."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from app.cli.locked_file import open_locked
from tests.app.cli.conftest import Croze
from tests.app.cli.test_search import ACCURACIES, SMALL, check_refused


def test_a_folder_without_trials_is_of_any_search(croze: Croze, tmp_path: Path) -> None:
    check_refused(croze(*SMALL, "--max-params", "1000", "--out", str(tmp_path)), "at most 1,000 parameters")
    check_refused(croze(*SMALL, "--max-params", "2000", "--out", str(tmp_path)), "at most 2,000 parameters")
    assert json.loads((tmp_path / "search.json").read_text())["max_params"] == 2_000
    (tmp_path / "trials.jsonl").write_text('{"index": 0}\n')
    (tmp_path / "search.json").unlink()
    check_refused(croze(*SMALL, "--out", str(tmp_path)), "has trials.jsonl and no search.json")


def test_a_folder_belongs_to_one_process(croze: Croze, tmp_path: Path) -> None:
    descriptor = open_locked(tmp_path / "trials.jsonl")
    try:
        check_refused(croze(*SMALL, "--out", str(tmp_path)), "is being written to by another process")
    finally:
        os.close(descriptor)


def test_a_service_that_is_away_is_said_with_the_way_to_go_on(croze: Croze, tmp_path: Path) -> None:
    done = croze(*SMALL, "--url", "http://127.0.0.1:9", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert "no answer from http://127.0.0.1:9" in done.err
    assert f"what was scored is in {tmp_path}; the same command goes on from there" in done.err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("--budget", "0"), ["a budget of 0 is out of range; allowed: 1 to 100,000"]),
        (("--strategy", "warmup"), ["strategy 'warmup' does not exist; did you mean 'warmup-move'?"]),
        (("--objective", "crose"), ["objective 'crose' does not exist; did you mean 'croze'?"]),
        (("--objective", ""), ["objective '' does not exist"]),
        (("--space", "darst"), ["space 'darst' does not exist; did you mean 'darts'?"]),
        (("--sampler", "pairs8"), ["space nasbench201 has no sampler 'pairs8'; allowed: cells"]),
        (("--round", "0"), ["a round of 0 is out of range"]),
        (("--warmup", "41"), ["a warm-up pool of 41 does not fit a budget of 40; allowed: 1 to 40"]),
        (
            ("--strategy", "evolution", "--population", "41"),
            ["a population of 41 does not fit a budget of 40; allowed: 1 to 40"],
        ),
        (("--population", "5"), ["--population goes with --strategy evolution only"]),
        (("--strategy", "random", "--warmup", "5"), ["--warmup goes with --strategy warmup-move only"]),
        (("--tournament", "5"), ["strategy warmup-move knows no tournament"]),
        (("--max-params", "1000"), ["no architecture has at most 1,000 parameters", "the smallest has 73,306"]),
        (("--max-params", "0.5"), ["--max-params 0.5 is no number of parameters; write 6000000 or 6e6"]),
        (("--max-params", "nan"), ["--max-params nan is no number of parameters"]),
        (("--max-params", "inf"), ["--max-params inf is no number of parameters"]),
        (("--layers", "8"), ["settings: 'layers' is no setting; space 'nasbench201' has channels, cells, classes"]),
        (("--batch", "mnist:train[0:8]"), ["mnist"]),
        (("--weight-seeds", "x"), ["'x': write 0,1,2 or 0-3"]),
        (("--precision", "float16"), ["precision 'float16' does not exist"]),
        (("--local", "--url", "http://127.0.0.1:9"), ["--local and --url exclude each other"]),
        (("--target", "clean"), ["--target names a column of a table; name one with --accuracies"]),
        (("--accuracies", "nowhere.csv"), ["nowhere.csv"]),
        (("--accuracies", ACCURACIES, "--target", "cleen"), ["cleen"]),
        (("--out", "/dev/null/x"), ["cannot write to /dev/null/x"]),
    ],
)
def test_wrong_use_ends_with_2(croze: Croze, arguments: tuple[str, ...], parts: list[str]) -> None:
    done = croze(*SMALL, *arguments)
    if parts[0].startswith("cannot write"):
        assert done.exit_code == 1
        assert parts[0] in done.err
    else:
        check_refused(done, *parts)


def test_help_names_what_there_is(croze: Croze) -> None:
    text = re.sub(r"[\s│]+", " ", croze("search", "--help").out)
    for words in ("warmup-move, evolution, random", "darts: pairs8, pairs14", "--max-params", "docs/search.md"):
        assert words in text
