"""`croze validate` and `croze convert`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.spaces import SPACES
from tests.app.cli.conftest import Croze

CELL = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
V2 = str(SPACES["darts"].formats["darts_genotype_repr"].example)


def test_genotypes_are_told_apart_line_by_line(croze: Croze) -> None:
    done = croze("validate", "natsbench-tss-2631", "(4, 0, 3, 1, 4, 3)", "8:8:8:16:40", V2)
    assert done.exit_code == 1
    lines = done.out.splitlines()
    assert CELL in lines[1]
    assert "nasbench201_index 2631  equivalence_class 2631" in lines[1]
    assert "ambiguous_format" in lines[2]
    assert "naslib_nb201" in lines[2]
    assert "unsupported_for_proxy" in lines[3]
    assert "darts_genotype_repr" in lines[4]


def test_json_is_what_the_service_answers(croze: Croze, tmp_path: Path) -> None:
    file = tmp_path / "cells.txt"
    file.write_text('# cells\n[4, 0, 3, 1, 4, 3]\n{"architecture": 2631, "format": "nats_tss_index", "id": "a"}\nfoo\n')
    done = croze("validate", "-f", str(file), "--from", "naslib_nb201", "--json")
    first, second, third = map(json.loads, done.out.splitlines())
    assert (first["canonical"], first["format"], first["valid"], first["space"]) == (
        CELL, "naslib_nb201", True, "nasbench201",
    )  # fmt: skip
    assert (second["id"], second["format"], second["params"]) == ("a", "nats_tss_index", 129306)
    assert (third["valid"], third["canonical"], third["error"]["code"]) == (False, None, "invalid_architecture")
    assert done.exit_code == 1


def test_all_good_is_0(croze: Croze) -> None:
    assert croze("validate", "-", stdin=f"{CELL}\n").exit_code == 0
    assert croze("validate", "--space", "nasbench201", "--from", "nb201_spec", "[4, 1, 0, 2, 4, 2]").exit_code == 0


def test_a_line_of_no_space_has_none(croze: Croze) -> None:
    (line,) = croze("validate", "--json", "nonsense").out.splitlines()
    assert (json.loads(line)["space"], json.loads(line)["error"]["code"]) == (None, "unknown_format")
    (line,) = croze("validate", "--json", '{"architecture": 1, "x": 2}').out.splitlines()
    assert "unknown key 'x'" in json.loads(line)["error"]["message"]


def test_a_line_comes_out_for_each_that_goes_in(croze: Croze) -> None:
    done = croze("convert", "--to", "naslib_nb201", "-", stdin=f"index:2631\n\n{CELL}\nnatsbench-tss-12\n")
    assert (done.exit_code, done.err) == (0, "")
    assert list(map(json.loads, done.out.splitlines())) == [[4, 0, 3, 1, 4, 3], [4, 0, 3, 1, 4, 3], [1, 1, 1, 1, 2, 4]]
    back = croze("convert", "--to", "nb201_str", "--from", "naslib_nb201", "-", stdin=done.out)
    assert back.out.splitlines()[:2] == [CELL, CELL]


def test_what_would_be_lost_is_told_and_nothing_is_written(croze: Croze) -> None:
    done = croze("convert", "--to", "nb301_config", V2, "[1, 2]", "|none~0|")
    assert (done.exit_code, done.out) == (2, "")
    assert "3 genotypes cannot be written as nb301_config; nothing was written" in done.err
    assert "argument 1: format 'nb301_config' cannot hold this" in done.err
    assert "the order of inputs 1, 0 would be lost" in done.err
    allowed = croze("convert", "--to", "nb301_config", "--allow-reordering", V2)
    assert json.loads(allowed.out) == SPACES["darts"].formats["nb301_config"].example


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("convert", "--to", "nb201", CELL), "has no format 'nb201'"),
        (("convert", "--to", "darts_json", CELL), "is of space 'darts'"),
        (("convert", "--to", "nb101", CELL), "NAS-Bench-101"),
        (("convert", "--to", "nb201_str", "--space", "nasbench2o1", CELL), "did you mean 'nasbench201'"),
        (("convert", "--to", "nb201_str", "-f", "missing.txt"), "cannot read missing.txt"),
        (("validate", "-"), "no genotype given"),
    ],
)
def test_a_wrong_command_line_says_what_is_right(croze: Croze, arguments: tuple[str, ...], said: str) -> None:
    done = croze(*arguments)
    assert (done.exit_code, done.out) == (2, "")
    assert said in done.err
