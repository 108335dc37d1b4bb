from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.cli.architectures_file import Entry, Unreadable, read_entries
from app.cli.errors import UsageError

CELL = "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"


@pytest.fixture
def write(tmp_path: Path) -> Path:
    return tmp_path / "cells.txt"


def problem(entry: Entry | Unreadable) -> str:
    assert isinstance(entry, Unreadable)
    return entry.problem


def test_a_file_holds_strings_json_indexes_and_comments(write: Path) -> None:
    write.write_text(
        f'# a comment\n\n{CELL}\n  "{CELL}"  \n[4, 0, 3]\n{{"normal": []}}\nindex:2631\n'
        '{"architecture": 12, "format": "nats_tss_index", "id": "twelve"}\n',
        encoding="utf-8",
    )
    name = str(write)
    assert list(read_entries([], name)) == [
        Entry(f"{name}:3", CELL),
        Entry(f"{name}:4", CELL),
        Entry(f"{name}:5", [4, 0, 3]),
        Entry(f"{name}:6", {"normal": []}),
        Entry(f"{name}:7", 2631, "nats_tss_index"),
        Entry(f"{name}:8", 12, "nats_tss_index", "twelve"),
    ]


def test_arguments_come_before_the_file_and_a_dash_is_standard_input(
    write: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write.write_text("index:3\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"index:1\r\nindex:2\r\n")))
    entries = [entry for entry in read_entries(["index:0", "-"], str(write)) if isinstance(entry, Entry)]
    assert [entry.value for entry in entries] == [0, 1, 2, 3]
    assert [entry.where for entry in entries][:3] == ["argument 1", "standard input:1", "standard input:2"]


def test_a_byte_order_mark_is_no_part_of_the_first_line(write: Path) -> None:
    write.write_bytes(b"\xef\xbb\xbfindex:5\n")
    assert list(read_entries([], str(write))) == [Entry(f"{write}:1", 5, "nats_tss_index")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{not json", "is not JSON"),
        ("[" * 20_000, "nested too deeply"),
        ("index:abc", "index:NUMBER"),
        ("index:" + "9" * 5000, "index:NUMBER"),
        ('{"architecture": "x", "name": "y"}', "unknown key 'name'"),
        ('{"architecture": "x", "format": 3}', "'format' is 3; it must be a string"),
        ('{"architecture": "x", "id": ""}', "1 to 200 characters"),
        ("[" + "1" * 5000 + "]", "digits"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(text: str, said: str) -> None:
    (entry,) = read_entries([text], None)
    assert said in problem(entry)
    assert len(problem(entry)) < 300


def test_files_that_cannot_be_read_are_usage_errors(tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        list(read_entries([], str(latin)))
    with pytest.raises(UsageError, match="No such file"):
        list(read_entries([], str(tmp_path / "missing")))
    with pytest.raises(UsageError, match="directory"):
        list(read_entries([], str(tmp_path)))
    with pytest.raises(UsageError, match="only once"):
        list(read_entries(["-"], "-"))
