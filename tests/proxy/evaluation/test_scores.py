"""Files of scores: croze's own JSON lines and CSV, others' CSV, several of them; and what contradicts itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy.evaluation import InvalidRequest, InvalidTable
from proxy.evaluation.scores import Scores, read_scores
from proxy.spaces.nasbench201.index import official_cells

A, B, C = (official_cells()[index].canonical for index in (5, 77, 2_631))


def score(value: float | None, **others: object) -> dict[str, Any]:
    state = {"status": "failed" if value is None else "scored", "value": value, "direction": "higher_is_better"}
    return {**state, "batch": "sha256:1", "seed": 0, "precision": "float32", "revision": 1, **others}


def item(architecture: str, **scores: dict[str, Any]) -> dict[str, Any]:
    """As `croze score` writes it, as far as it matters."""
    settings = {"channels": 16, "cells": 5, "classes": 10}
    return {
        "index": 0, "architecture": architecture, "space": "nasbench201", "settings": settings,
        "params": 1_000, "macs": 2_000, "scores": scores,
    }  # fmt: skip


def write(path: Path, *items: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in items))
    return path


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text.format(A=A, B=B, C=C))
    return path


def check(scores: Scores, name: str, expected: list[float]) -> None:
    np.testing.assert_array_equal(scores.columns[name], expected)


def test_json_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path / "scores.jsonl",
        item(A, croze=score(2.0), nwot=score(7)),
        item(B, croze=score(float("inf")), nwot=score(8)),
        item(A, croze=score(None)),
        item(C, croze=score(1.0), nwot=score(9)),
    )
    scores = read_scores([path])
    assert (scores.space, scores.architectures) == ("nasbench201", (A, B, C))
    check(scores, "croze", [2.0, np.nan, 1.0])
    check(scores, "nwot", [7.0, 8.0, 9.0])
    assert scores.counts["params"].tolist() == [1_000.0] * 3
    assert scores.notes[0] == "croze: no value for 1 of 3 architectures"


def test_own_csv(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "scores.csv",
        "index,id,status,space,channels,cells,classes,architecture,format,params,macs,connected,"
        "croze,croze:paper,croze.features,croze.rank,error\n"
        "0,,scored,nasbench201,16,5,10,{C},nb201_str,1,2,true,5.5,4,1,1,\n"
        "1,,failed,nasbench201,16,5,10,{A},nb201_str,1,2,true,6.5,,1,1,non_finite: no\n",
    )
    scores = read_scores([path])
    assert scores.architectures == (C, A)  # and not the cells 0 and 1
    assert [*scores.columns] == ["croze", "croze:paper"]
    check(scores, "croze:paper", [4.0, np.nan])
    assert scores.counts["macs"].tolist() == [2.0, 2.0]


def test_other_csv(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "zc.csv", "index,synflow,zen,remark,val_acc\n5,1,2,x,80\n77,3,inf,y,90\n")
    scores = read_scores([path])
    assert scores.architectures == (A, B)
    assert [*scores.columns] == ["synflow", "zen", "val_acc"]
    check(scores, "zen", [2.0, np.nan])
    assert "columns that were not used: remark" in scores.notes[0]
    only = read_scores([path], only=["synflow"])
    assert [*only.columns] == ["synflow"]
    assert only.notes == ()


def test_files_are_joined_by_architecture(tmp_path: Path) -> None:
    first = write(tmp_path / "first.jsonl", item(A, croze=score(1.0)), item(B, croze=score(2.0)))
    second = write(tmp_path / "second.jsonl", item(C, croze=score(3.0)))
    others = write_csv(tmp_path / "others.csv", "arch,nwot\n{B},20\n{C},30\n")
    scores = read_scores([first, second, others])
    assert scores.architectures == (A, B, C)
    check(scores, "croze", [1.0, 2.0, 3.0])
    check(scores, "nwot", [np.nan, 20.0, 30.0])
    assert scores.notes == ("nwot: no value for 1 of 3 architectures",)


def test_lower_is_better(tmp_path: Path) -> None:
    told = write(tmp_path / "told.jsonl", item(A, odd=score(1.0, direction="lower_is_better")))
    scores = read_scores([told])
    check(scores, "odd", [-1.0])
    assert scores.negated == ("odd",)
    assert "lower is better" in scores.notes[0]
    said = write_csv(tmp_path / "said.csv", "arch,loss,nwot\n{A},3,4\n")
    check(read_scores([said], lower=["loss"]), "loss", [-3.0])
    check(read_scores([said], lower=["loss"]), "nwot", [4.0])


def test_repetitions_that_agree_count_once(tmp_path: Path) -> None:
    path = write(tmp_path / "scores.jsonl", item(A, croze=score(1.0)), item(A, croze=score(1.0)))
    scores = read_scores([path, path])
    assert scores.architectures == (A,)
    (note,) = scores.notes
    assert "2 architectures are there more than once" in note


@pytest.mark.parametrize(
    ("second", "text"),
    [
        (item(A, croze=score(2.0)), "has croze 2, and 1 before"),
        (item(B, croze=score(2.0, seed=1)), "another seed 1, before 0"),
        (item(B, croze=score(2.0, seed=None, spread={"seeds": [0, 1]})), r"another seed \[0, 1\], before 0"),
        (item(B, croze=score(2.0, batch="sha256:2")), "another batch"),
        ({**item(B, croze=score(2.0)), "settings": {"channels": 8}}, "another channels 8, before 16"),
    ],
)
def test_scores_that_cannot_be_compared(tmp_path: Path, second: dict[str, Any], text: str) -> None:
    paths = [write(tmp_path / "a.jsonl", item(A, croze=score(1.0))), write(tmp_path / "b.jsonl", second)]
    with pytest.raises(InvalidTable, match=text):
        read_scores(paths)


def test_params_may_be_at_other_conditions(tmp_path: Path) -> None:
    params = score(5.0, batch=None, seed=None, precision=None)
    paths = [
        write(tmp_path / "a.jsonl", item(A, croze=score(1.0), params=params)),
        write(tmp_path / "b.jsonl", item(A, nwot=score(1.0, seed=3), params=params)),
    ]
    assert [*read_scores(paths).columns] == ["croze", "params", "nwot"]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        '{"scores": {}}',
        json.dumps(item("resnet", croze=score(1.0))),
        json.dumps(item(A, croze={"value": 1})),
        json.dumps(item(A, croze=score("1"))),  # type: ignore[arg-type]
        json.dumps(item(A, croze=score(True))),
        json.dumps(item(A, croze=score(10**400))),
        json.dumps({**item(A, croze=score(1.0)), "settings": None}),
        '{"a":' * 20_000,
    ],
)
def test_lines_that_are_no_results(tmp_path: Path, line: str) -> None:
    good = json.dumps(item(B, croze=score(1.0)))
    path = tmp_path / "scores.jsonl"
    path.write_text(f"{good}\n{line}\n")
    with pytest.raises(InvalidTable, match=r"scores\.jsonl:2"):
        read_scores([path])


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "scores.jsonl", item(A, croze=score(1.0)), item(B, croze=score(1.0)))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InvalidTable, match="cut off"):
        read_scores([path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arch,croze\n", "no rows"),
        ("arch,remark\n{A},x\n", "no column of scores"),
        ("arch,croze\n{A},\n", "no column of scores"),
        ("arch,croze\n{A},nan\n", "no architecture has a score"),
        ("arch,croze\n{A},1\n{B},two\n", "not all numbers"),
        ("arch,croze\n{A},1\n{A},2\n", "has croze 2, and 1 before"),
        ("croze\n1\n", "whose rows"),
    ],
)
def test_csv_that_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidTable, match=message):
        read_scores([write_csv(tmp_path / "scores.csv", text)])


def test_names_that_do_not_exist(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "scores.csv", "arch,croze\n{A},1\n")
    with pytest.raises(InvalidRequest, match=r"'crose'.*did you mean 'croze'"):
        read_scores([path], lower=["crose"])
    with pytest.raises(InvalidTable, match="no column of scores"):
        read_scores([path], only=["crose"])
