from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from app.cli.architectures_file import Entry
from app.cli.output import Csv, JsonLines, RankedTable, number, quantity, ranked
from app.cli.results import failures, in_input_order
from app.cli.scoring_request import ScoringOptions, ScoringRequest, check_request
from proxy.json_types import JsonObject

CELL = "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
VALUE = 800342.6688012345


def item(index: int, value: float | None, **changes: Any) -> JsonObject:
    error = None if value is not None else {"code": "non_finite", "message": "left the range"}
    score: JsonObject = {
        "proxy": "croze",
        "status": "scored" if value is not None else "failed",
        "value": value,
        "components": {} if value is None else {"features": 1.5, "parameters": 2.5, "gradients": 3.5},
        "error": error,  # type: ignore[dict-item]
    }
    return {
        "index": index,
        "id": None,
        "status": score["status"],
        "architecture": CELL,
        "space": "nasbench201",
        "settings": {"channels": 16, "cells": 5, "classes": 10},
        "format": "nb201_str",
        "params": 316_000 + index,
        "macs": 43_200_000,
        "connected": False,
        "facts": {"nasbench201_index": 12},
        "scores": {"croze": score},
        "error": None,
        **changes,
    }


@pytest.fixture
def request_of_three() -> ScoringRequest:
    options = ScoringOptions(settings={}, precision="float64", batch="cifar10:train[0:8]")
    return check_request((Entry(f"cells.txt:{line}", CELL) for line in (1, 3, 4)), options)


def test_items_are_held_back_until_their_turn() -> None:
    order = [item(index, 1.0) for index in (2, 0, 3, 1)]
    seen = []
    for each in in_input_order(order):
        seen.append(each["index"])
    assert seen == [0, 1, 2, 3]


def test_json_is_one_object_a_line_in_full_precision() -> None:
    out = io.StringIO()
    output = JsonLines(out)
    output.write(item(0, VALUE))
    output.write(item(1, None))
    output.finish()
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first["scores"]["croze"]["value"] == VALUE
    assert second["scores"]["croze"]["value"] is None


def test_csv_has_a_header_full_precision_and_the_reason_of_a_failure(request_of_three: ScoringRequest) -> None:
    out = io.StringIO()
    output = Csv(request_of_three, out)
    output.write(item(0, VALUE, id='a "quoted", name'))
    output.write(item(1, None))
    output.finish()
    scored, failed = csv.DictReader(io.StringIO(out.getvalue()))
    assert float(scored["croze"]) == VALUE
    assert (scored["id"], scored["croze.parameters"], scored["channels"]) == ('a "quoted", name', "2.5", "16")
    assert (failed["croze"], failed["croze.features"], failed["status"]) == ("", "", "failed")
    assert failed["error"] == "croze: non_finite: left the range"


def test_where_a_place_among_all_is_known_it_is_shown(
    request_of_three: ScoringRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    placed = item(0, 5.0)
    placed["scores"]["croze"]["reference"] = {"percentile": 93.104, "rank": 1078, "of": 15625}  # type: ignore[index, call-overload]
    output = RankedTable(request_of_three)
    for each in (placed, item(1, 7.0), item(2, None)):
        output.write(each)
    output.finish()
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[:5] == ["rank", "line", "croze", "percentile", "params"]
    assert [row.split()[2:4] for row in rows] == [["7", "-"], ["5", "93.1"], ["failed", "-"]]

    out = io.StringIO()
    as_csv = Csv(request_of_three, out)
    as_csv.write(placed)
    as_csv.write(item(1, 7.0))
    known, unknown = csv.DictReader(io.StringIO(out.getvalue()))
    assert (known["croze.percentile"], known["croze.rank"]) == ("93.104", "1078")
    assert (unknown["croze.percentile"], unknown["croze.rank"]) == ("", "")


def test_the_table_ranks_best_first_and_failures_last(
    request_of_three: ScoringRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    output = RankedTable(request_of_three)
    for each in (item(0, None), item(1, 5.0), item(2, 7.0, connected=True)):
        output.write(each)
    output.finish()
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["rank", "line", "croze", "params", "macs", "architecture"]
    assert [row.split()[:3] for row in rows] == [["1", "4", "7"], ["2", "3", "5"], ["-", "1", "failed"]]
    assert CELL in rows[0], "nothing is cut where there is no terminal"
    assert "disconnected" not in rows[0]
    assert "disconnected" in rows[1]


def test_ties_stay_in_input_order() -> None:
    tied = [item(index, 1.0) for index in range(3)]
    assert [each["index"] for each in ranked(tied, "croze")] == [0, 1, 2]


def test_failures_of_an_item_and_of_its_proxies_are_both_told() -> None:
    crashed = item(0, None, scores={}, error={"code": "engine_crashed", "message": "killed"})
    assert failures(crashed) == ["engine_crashed: killed"]
    assert failures(item(0, None)) == ["croze: non_finite: left the range"]
    assert failures(item(0, 1.0)) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1289, "1.29k"),
        (1_289_578, "1.29M"),
        (999_600, "1000k"),
        (2**60, "1152922T"),
        (None, "-"),
    ],
)
def test_quantities_are_for_people(value: int | None, text: str) -> None:
    assert quantity(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0"), (VALUE, "800343"), (1.68381e11, "1.6838e+11"), (0.125, "0.125"), (-2e-5, "-2.0000e-05")],
)
def test_numbers_show_what_can_be_compared(value: float | None, text: str) -> None:
    assert number(value) == text
