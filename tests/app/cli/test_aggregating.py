"""`croze score --aggregate`."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from app.cli.aggregating import rank_items
from app.cli.errors import UsageError
from app.cli.scoring_request import with_aggregate
from proxy.aggregates import AGGREGATES, aggregate_of
from tests.app.cli.conftest import Croze
from tests.app.cli.test_output import item

SMALL = ("--cells", "1", "--channels", "2")
CELLS = ("index:12", "index:2631", "index:13714", "index:10")
COUNTS = ("--aggregate", "params+macs")


def test_what_an_aggregate_needs_is_scored() -> None:
    assert with_aggregate((), None) == (("croze",), None)
    proxies, aggregate = with_aggregate(("macs",), "croze+macs")
    assert (proxies, aggregate) == (("macs", "croze"), aggregate_of(("croze", "macs")))
    assert with_aggregate((), "robust") == (AGGREGATES["robust"].proxies, AGGREGATES["robust"])
    with pytest.raises(UsageError, match="did you mean 'robust'"):
        with_aggregate((), "robus")


def test_items_say_the_same_as_those_of_a_job() -> None:
    items = [item(0, 5.0), item(1, None), item(2, 7.0)]
    for each in items:
        each["scores"]["params"] = {"value": each["params"], "error": None}  # type: ignore[index, call-overload]
    found: list[Any] = rank_items(items, aggregate_of(("croze", "params")))
    first, without, best = (each["aggregate"] for each in found)
    assert first == {
        "name": "croze+params", "method": "log_rank", "proxies": ["croze", "params"], "reference": "job",
        "status": "scored", "value": pytest.approx(math.log(1 / 2) + math.log(1.5 / 2)), "among": 2, "rank": 2, "of": 2,
        "error": None,
    }  # fmt: skip
    assert (without["status"], without["error"]["code"]) == ("failed", "no_value")
    assert best["rank"] == 1
    alone: list[Any] = rank_items(items[:1], aggregate_of(("croze", "params")))
    assert alone[0]["aggregate"]["error"]["code"] == "too_few_ranked"


def test_the_table_is_sorted_by_it(croze: Croze) -> None:
    done = croze("score", *CELLS, *SMALL, *COUNTS)
    assert done.exit_code == 0, done.err
    heading, *rows = done.out.splitlines()
    assert heading.split()[:5] == ["rank", "line", "params+macs", "params", "macs"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3", "4"]
    values = [float(row.split()[2]) for row in rows]
    assert values == sorted(values, reverse=True)
    assert values[0] == 0


def test_csv_and_json_hold_it_in_input_order(croze: Croze) -> None:
    as_csv = croze("score", *CELLS, *SMALL, *COUNTS, "--format", "csv").out
    rows = [*csv.DictReader(io.StringIO(as_csv))]
    items = [json.loads(line) for line in croze("score", *CELLS, *SMALL, *COUNTS, "--format", "json").out.splitlines()]
    assert [each["index"] for each in items] == [0, 1, 2, 3]
    assert [float(row["aggregate"]) for row in rows] == [each["aggregate"]["value"] for each in items]
    assert [int(row["aggregate.rank"]) for row in rows] == [each["aggregate"]["rank"] for each in items]
    assert {each["aggregate"]["of"] for each in items} == {4}


def test_a_file_gets_it_when_it_is_complete(croze: Croze, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    command = ("score", *SMALL, "-o", str(file))
    assert croze(*command, *CELLS, *COUNTS).exit_code == 0
    whole = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(each["aggregate"]["rank"] for each in whole) == [1, 2, 3, 4]
    # Cut off, and gone on with: the ranks are those of all.
    file.write_text("".join(f"{json.dumps(each)}\n" for each in (whole[3], whole[0])))
    assert croze(*command, *CELLS, *COUNTS).exit_code == 0
    again = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["aggregate"] for each in again] == [each["aggregate"] for each in whole]
    # Without one, none is told: it could be one of fewer architectures.
    assert croze(*command, *CELLS, "index:3", "--proxy", "macs", "--proxy", "params").exit_code == 0
    assert [json.loads(line)["aggregate"] for line in file.read_text().splitlines()] == [None] * 5


@pytest.mark.parametrize(
    ("text", "says"),
    [("robus", "did you mean 'robust'"), ("croze+crose", "did you mean 'croze'"), ("croze+croze", "more than once")],
)
def test_what_is_no_aggregate_is_refused(croze: Croze, text: str, says: str) -> None:
    done = croze("score", "index:12", "--aggregate", text)
    assert (done.exit_code, done.out) == (2, "")
    assert says in done.err
