"""`croze score --seeds`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from app.cli.errors import UsageError
from app.cli.scoring_request import read_seeds
from tests.app.cli.conftest import Croze

SMALL = ("--cells", "1", "--channels", "2")


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0", (0,)), ("0,1,2", (0, 1, 2)), ("0-3", (0, 1, 2, 3)), ("7, 2-4", (7, 2, 3, 4)), ("4294967295", (2**32 - 1,))],
)
def test_seeds_are_read(text: str, seeds: tuple[int, ...]) -> None:
    assert read_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write 0,1,2 or 0-3"),
        ("a", "write 0,1,2 or 0-3"),
        ("-1", "write 0,1,2 or 0-3"),
        ("1,,2", "write 0,1,2 or 0-3"),
        ("4294967296", "from 0 to 4294967295"),
        ("3-1", "fewer than 1"),
        ("0-16", "more than 1 to 16"),
        ("0-4294967295", "more than 1 to 16"),
        ("1,0-2", "twice"),
        ("9" * 5000, "write 0,1,2 or 0-3"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_seeds(text)


def test_here_a_score_is_the_mean_over_the_seeds(croze: Croze) -> None:
    proxies = ("--proxy", "croze", "--proxy", "params", "--format", "json")
    done = croze("score", "index:12", "index:2631", "index:12", *SMALL, *proxies, "--seeds", "0-1")
    assert done.exit_code == 0, done.err
    assert "seeds 0, 1" in done.err
    items = [json.loads(line) for line in done.out.splitlines()]
    singles = [
        json.loads(croze("score", "index:12", *SMALL, *proxies, "--seed", str(seed)).out)["scores"]["croze"]
        for seed in range(2)
    ]
    score = items[0]["scores"]["croze"]
    assert score["spread"]["values"] == [single["value"] for single in singles]
    assert score["value"] == pytest.approx(sum(single["value"] for single in singles) / 2, rel=1e-15)
    assert items[0]["scores"]["params"]["spread"] is None
    again = items[2]["scores"]["croze"]
    assert (again["value"], again["cached"], score["cached"]) == (score["value"], True, False)


def test_table_and_csv_show_the_spread(croze: Croze) -> None:
    table = croze("score", "index:12", "index:2631", *SMALL, "--seeds", "0,1").out.splitlines()
    assert table[0].split()[:5] == ["rank", "line", "croze", "std", "params"]
    as_csv = croze("score", "index:12", *SMALL, "--seeds", "0,1", "--format", "csv").out
    (row,) = csv.DictReader(io.StringIO(as_csv))
    assert float(row["croze.std"]) == pytest.approx(2**0.5 * float(row["croze.stderr"]))


def test_a_file_of_other_seeds_is_left_alone(croze: Croze, tmp_path: Path) -> None:
    command = ("score", "index:12", *SMALL, "-o", str(tmp_path / "file.jsonl"))
    assert croze(*command, "--seeds", "0,1").exit_code == 0
    assert croze(*command, "--seeds", "0,1").exit_code == 0
    other = croze(*command, "--seed", "0")
    assert other.exit_code == 2
    assert "seed: 0, 1 in the file, 0 now" in other.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--seed", "0", "--seeds", "1"), "exclude each other"),
        (("--seeds", "x"), "write 0,1,2"),
        (("--seeds", "0,1", "--per-layer", "--format", "json"), "one seed only"),
    ],
)
def test_what_makes_no_sense_is_refused(croze: Croze, options: tuple[str, ...], says: str) -> None:
    done = croze("score", "index:12", *options)
    assert (done.exit_code, done.out) == (2, "")
    assert says in done.err
