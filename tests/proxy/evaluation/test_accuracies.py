"""Tables of accuracies as CSV: whose rows they are, units, repetitions, gaps; and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from proxy.evaluation import InvalidRequest, InvalidTable
from proxy.evaluation.accuracies import read_accuracies
from proxy.evaluation.members import Table
from proxy.evaluation.units import Unit
from proxy.spaces.nasbench201.index import official_cells

A, B, C = (official_cells()[index].canonical for index in (5, 77, 2_631))


def read(folder: Path, text: str, unit: Unit | None = None, targets: tuple[str, ...] = ()) -> Table:
    path = folder / "table.csv"
    path.write_text(text)
    return read_accuracies(path, unit=unit, targets=targets)


def check_refused(
    folder: Path, text: str, *parts: str, unit: Unit | None = None, targets: tuple[str, ...] = ()
) -> None:
    with pytest.raises((InvalidTable, InvalidRequest)) as caught:
        read(folder, text, unit, targets)
    told = " ".join([caught.value.message, *map(str, caught.value.faults)])
    for part in parts:
        assert part in told


def test_by_architecture(tmp_path: Path) -> None:
    table = read(tmp_path, f"# from somewhere\n\narchitecture,clean,pgd\n{A},0.5,0.25\n{B},0.75,\n{C},nan,0\n")
    assert table.space == "nasbench201"
    assert table.architectures == (A, B, C)
    np.testing.assert_array_equal(table.columns["clean"], [50.0, 75.0, np.nan])
    np.testing.assert_array_equal(table.columns["pgd"], [25.0, np.nan, 0.0])
    assert table.notes == ()


def test_by_index(tmp_path: Path) -> None:
    assert read(tmp_path, "index,clean\n2631,90\n5,80\n").architectures == (C, A)


def test_by_both(tmp_path: Path) -> None:
    assert read(tmp_path, f"index,arch,clean\n77,{B},90\n").architectures == (B,)
    check_refused(tmp_path, f"index,arch,clean\n5,{A},1\n78,{B},90\n", "disagree", "table.csv:3")


def test_darts_genotypes(tmp_path: Path) -> None:
    cell = [["skip_connect", 0], ["skip_connect", 1]]
    genotype = f'{{""normal"":{cell},""normal_concat"":[2],""reduce"":{cell},""reduce_concat"":[2]}}'.replace("'", '""')
    table = read(tmp_path, f'row,test_acc,genotype\n0,97.06,"{genotype}"\n', targets=("test_acc",))
    assert table.space == "darts"
    assert table.columns["test_acc"].tolist() == [97.06]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("arch,clean\n{A},0.5\n{B},1\n", None, 50.0),
        ("arch,clean\n{A},50\n{B},90\n", None, 50.0),
        ("arch,clean [%]\n{A},0.5\n{B},90\n", None, 0.5),
        ("arch,clean (fraction)\n{A},0.5\n{B},0.1\n", Unit.PERCENT, 50.0),
        ("arch,clean\n{A},0.5\n{B},90\n", Unit.PERCENT, 0.5),
        ("arch,clean\n{A},1\n{B},90\n", None, 1.0),
    ],
)
def test_units(tmp_path: Path, text: str, unit: Unit | None, value: float) -> None:
    table = read(tmp_path, text.format(A=A, B=B), unit)
    assert [*table.columns] == ["clean"]
    assert table.columns["clean"][0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "unit", "parts"),
    [
        ("arch,clean\n{A},0.93\n{B},93\n", None, ["percent or fraction?", "'clean [%]'"]),
        ("arch,clean,pgd\n{A},91,0.2\n{B},93,0.3\n", None, ["percent or fraction?", "pgd", "--unit"]),
        ("arch,clean\n{A},0.93\n{B},93\n", Unit.FRACTION, ["1 of 2 values are not within 0 and 1", "93"]),
        ("arch,clean [fraction]\n{A},0.93\n{B},1.01\n", None, ["not within 0 and 1"]),
        ("arch,clean\n{A},91\n{B},101\n", None, ["not within 0 and 100", "101"]),
        ("arch,clean\n{A},-1\n{B},50\n", None, ["not within 0 and 100", "-1"]),
        ("arch,clean\n{A},0.93\n{B},0.91\n", Unit.PERCENT, ["that is not percent"]),
    ],
)
def test_wrong_units(tmp_path: Path, text: str, unit: Unit | None, parts: list[str]) -> None:
    check_refused(tmp_path, text.format(A=A, B=B), *parts, unit=unit)


def test_only_the_columns_of_the_targets_are_read(tmp_path: Path) -> None:
    text = f"arch,row,clean,latency,remark\n{A},0,0.9,1e6,x\n{B},1,0.8,2e6,\n"
    check_refused(tmp_path, text, "percent or fraction?")
    assert [*read(tmp_path, text, targets=("hrs:clean,clean",)).columns] == ["clean"]
    check_refused(tmp_path, text, "'clena'", "did you mean 'clean'?", targets=("clena",))


def test_what_is_no_accuracy_is_left_out_and_said(tmp_path: Path) -> None:
    table = read(tmp_path, f"arch,row,clean,remark,params\n{A},7,0.9,x,3\n")
    assert [*table.columns] == ["clean"]
    (note,) = table.notes
    assert "row, remark, params" in note


def test_repeated_rows(tmp_path: Path) -> None:
    table = read(tmp_path, "index,clean\n5,90\n77,80\n5,90.0\n")
    assert table.architectures == (A, B)
    assert table.columns["clean"].tolist() == [90.0, 80.0]
    (note,) = table.notes
    assert "1 rows repeat" in note
    check_refused(tmp_path, "index,clean\n5,90\n77,80\n5,91\n", "table.csv:4", "91", "90 at", "table.csv:2")


def test_tables_are_joined_by_architecture(tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text(f"arch,clean\n{A},90\n{B},80\n")
    second.write_text("index,pgd,remark,clean\n77,0.2,x,0.7\n2631,0.3,y,0.6\n")
    table = read_accuracies(first, second, targets=["pgd"])
    assert table.architectures == (B, C)
    with pytest.raises(InvalidTable, match="'clean' is in another table"):
        read_accuracies(first, second)
    second.write_text("index,pgd,remark\n77,0.2,x\n2631,0.3,y\n")
    table = read_accuracies(first, second, targets=["hrs:pgd"])
    assert table.architectures == (A, B, C)
    np.testing.assert_array_equal(table.columns["clean"], [90.0, 80.0, np.nan])
    np.testing.assert_array_equal(table.columns["pgd"], [np.nan, 20.0, 30.0])
    with pytest.raises(InvalidRequest, match=r"'pgf'.*did you mean 'pgd'"):
        read_accuracies(first, second, targets=["pgf"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["no header"]),
        ("# nothing\n", ["no header"]),
        ("arch,clean\n", ["no rows"]),
        ("clean,pgd\n1,2\n", ["whose rows", "index"]),
        ("arch\n{A}\n", ["no column of accuracies"]),
        ("arch,clean,clean\n{A},1,2\n", ["'clean' is there more than once"]),
        ("arch,\n{A},1\n", ["column 2 has no name"]),
        ("arch,clean,clean [%]\n{A},1,2\n", ["'clean [%]' and 'clean' are one column twice"]),
        ("arch,clean\n{A},1\n{B}\n", ["table.csv:3", "1 cells"]),
        ("arch,clean\n{A},90\n{B},ninety\n", ["table.csv:3", "'ninety' is no number"]),
        ("arch,clean\n{A},90\n{B},1_0\n", ["'1_0' is no number"]),
        ("arch,clean\n{A},90\nresnet,80\n", ["table.csv:3", "resnet"]),
        ("index,clean\n5,90\n15625,80\n", ["table.csv:3", "15625"]),
        ('arch,clean\n"{A},90\n', ["no CSV"]),
    ],
)
def test_refused(tmp_path: Path, text: str, parts: list[str]) -> None:
    check_refused(tmp_path, text.format(A=A, B=B), *parts)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="cannot read"):
        read_accuracies(tmp_path / "nowhere.csv")
    (tmp_path / "latin.csv").write_bytes(b"arch,clean\n\xff,1\n")
    with pytest.raises(InvalidTable, match="not UTF-8"):
        read_accuracies(tmp_path / "latin.csv")
    with pytest.raises(InvalidTable, match=r"meta\.json"):
        read_accuracies(tmp_path)


class Harmful:
    """Would leave a file if it were read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["NAS-Bench-201-v1_1-096897.pth", "looks_like.csv"])
def test_pickles_are_never_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Harmful(tmp_path / "harm")))
    with pytest.raises(InvalidTable, match="pickle"):
        read_accuracies(tmp_path / name)
    assert not (tmp_path / "harm").exists()
