"""What a results file holds, whatever happened to it. No engine and no service."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from app.cli.architectures_file import Entry
from app.cli.basis import basis_asked
from app.cli.errors import CommandError, UsageError
from app.cli.results_file import ResultsFile
from app.cli.scoring_request import ScoringOptions, ScoringRequest, check_request
from proxy.json_types import JsonObject

DIGEST = "sha256:0"
SETTINGS = {"channels": 16, "cells": 5, "classes": 10}


@pytest.fixture
def request_of_nine() -> ScoringRequest:
    options = ScoringOptions(settings={}, precision="float64", batch="cifar10:train[0:8]")
    entries = (Entry(f"cells.txt:{n}", n, "nats_tss_index", f"cell {n}") for n in range(9))
    return check_request(entries, options)


def opened(path: Path, request: ScoringRequest) -> ResultsFile:
    return ResultsFile(path, request, basis_asked(request, SETTINGS, DIGEST))


def result(request: ScoringRequest, index: int, **changes: Any) -> JsonObject:
    score: dict[str, Any] = {
        "proxy": "croze", "status": "scored", "value": 1.5 + index, "batch": DIGEST, "seed": 0,
        "precision": "float64", "revision": 1, "error": None, **changes,
    }  # fmt: skip
    return {
        "index": index,
        "id": f"cell {index}",
        "status": score["status"],
        "architecture": request.entries[index].architecture.canonical,
        "space": "nasbench201",
        "settings": dict(SETTINGS),
        "scores": {"croze": score},
        "error": None,
    }


def filled(path: Path, request: ScoringRequest, indexes: list[int]) -> bytes:
    with opened(path, request) as results:
        for index in indexes:
            results.append(result(request, index))
    return path.read_bytes()


def indexes(path: Path) -> list[int]:
    return [json.loads(line)["index"] for line in path.read_bytes().splitlines()]


def test_items_are_there_as_soon_as_they_are_added(request_of_nine: ScoringRequest, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with opened(path, request_of_nine) as results:
        for count, index in enumerate((5, 2, 7), start=1):
            results.append(result(request_of_nine, index))
            assert len(path.read_bytes().splitlines()) == len(results) == count
        assert [index in results for index in (5, 6)] == [True, False]


def test_whatever_byte_it_was_cut_off_at_the_whole_lines_are_kept(
    request_of_nine: ScoringRequest, tmp_path: Path
) -> None:
    path = tmp_path / "results.jsonl"
    content = filled(path, request_of_nine, [4, 0, 8])
    for length in range(len(content) + 1):
        for tail in (b"", b"\0" * 3):
            path.write_bytes(content[:length] + tail)
            whole = content[:length].count(b"\n")
            with opened(path, request_of_nine) as results:
                assert len(results) == whole
                results.append(result(request_of_nine, 6))
            assert indexes(path) == [*[4, 0, 8][:whole], 6]


def test_a_complete_file_is_put_in_order(request_of_nine: ScoringRequest, tmp_path: Path) -> None:
    path, link = tmp_path / "results.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(path)
    shuffled = random.Random(0).sample(range(9), 9)
    filled(path, request_of_nine, shuffled[:5])
    path.chmod(0o640)
    with opened(link, request_of_nine) as results:
        for index in shuffled[5:]:
            results.append(result(request_of_nine, index))
        results.finish()
    assert indexes(path) == list(range(9))
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [link, path]


def test_a_complete_file_that_cannot_be_put_in_order_stays_complete(
    request_of_nine: ScoringRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    content = filled(path, request_of_nine, [2, 1])

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.cli.results_file.os.fsync", full)
    with opened(path, request_of_nine) as results, pytest.raises(CommandError, match=r"put in order: No space left"):
        results.finish()
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_failures_are_counted_over_all_runs(request_of_nine: ScoringRequest, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    error = {"code": "non_finite", "message": "left the range"}
    for index in (1, 2):
        with opened(path, request_of_nine) as results:
            results.append(result(request_of_nine, index, status="failed", value=None, error=error))
            assert results.failed == index


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "seed: 0 in the file, 1 now"),
        ({"batch": "sha256:1"}, "batch: sha256:0 in the file, sha256:1 now"),
        ({"revision": 2}, "revision of croze: 1 in the file, 2 now"),
    ],
)
def test_an_item_of_another_kind_is_not_added(
    request_of_nine: ScoringRequest, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "results.jsonl"
    content = filled(path, request_of_nine, [3])
    asked = basis_asked(request_of_nine)  # of a service, which fills in the rest
    with ResultsFile(path, request_of_nine, asked) as results, pytest.raises(UsageError) as caught:
        results.append(result(request_of_nine, 4, **change))
    assert said in caught.value.details
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"milk, eggs and bread\n"], "line 1: b'milk, eggs and bread"),
        ([b"milk, eggs and bread"], "line 1: b'milk"),
        ([0, b'{"index": 1}\n'], "line 2"),
        ([0, b'{"index": true}\n'], "line 2"),
        ([0, b"[]\n"], "line 2"),
        ([0, b"null\n"], "line 2"),
        ([0, b"\xff\xfe\n"], "line 2"),
        ([0, b"[" * 100_000 + b"\n"], "line 2"),
        ([0, 1, 0], "line 3: index 0 is there for the second time"),
        ([b'{"a": 1}'], "line 1"),
    ],
)
def test_a_file_of_something_else_is_left_alone(
    request_of_nine: ScoringRequest, tmp_path: Path, lines: list[int | bytes], said: str
) -> None:
    path = tmp_path / "notes.txt"
    content = b"".join(
        line if isinstance(line, bytes) else json.dumps(result(request_of_nine, line)).encode() + b"\n"
        for line in lines
    )
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        opened(path, request_of_nine)
    assert "it was left as it is" in caught.value.message
    assert caught.value.details[0].startswith(said)
    assert len(caught.value.details[0]) < 200
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("index", 9, "index 9 is beyond the 9"),
        ("index", -1, "index -1 is beyond"),
        ("index", "3", "index '3' is beyond"),
        ("index", True, "index True is beyond"),
        ("id", "other", "index 3 is another architecture or has another id than cells.txt:3"),
        ("architecture", "|none~0|", "index 3 is another architecture"),
    ],
)
def test_items_of_another_request_are_refused(
    request_of_nine: ScoringRequest, tmp_path: Path, field: str, value: object, said: str
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({**result(request_of_nine, 3), field: value}) + "\n")
    with pytest.raises(UsageError) as caught:
        opened(path, request_of_nine)
    assert said in caught.value.details[0]


def test_two_processes_do_not_write_to_one_file(request_of_nine: ScoringRequest, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with opened(path, request_of_nine), pytest.raises(UsageError, match="another process"):
        opened(path, request_of_nine)
    with opened(path, request_of_nine) as results:
        assert len(results) == 0


def test_a_file_put_in_order_meanwhile_is_the_one_that_is_opened(
    request_of_nine: ScoringRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process ends between our opening of the file and our locking it."""
    path = tmp_path / "results.jsonl"
    filled(path, request_of_nine, [3, 1])
    replaced: list[Path] = []

    def replace_first(_descriptor: int, _operation: int) -> None:
        if not replaced:
            copy = tmp_path / "copy"
            copy.write_bytes(path.read_bytes())
            replaced.append(copy.replace(path))

    monkeypatch.setattr("app.cli.locked_file.fcntl.flock", replace_first)
    with opened(path, request_of_nine) as results:
        results.append(result(request_of_nine, 2))
    assert indexes(path) == [3, 1, 2]


def test_a_full_disk_is_told_and_what_is_there_stays_good(
    request_of_nine: ScoringRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    filled(path, request_of_nine, [3])

    def full(_descriptor: int, _content: object) -> int:
        raise OSError(28, "No space left on device")

    with opened(path, request_of_nine) as results:
        monkeypatch.setattr("app.cli.results_file.os.write", full)
        with pytest.raises(CommandError, match="No space left"):
            results.append(result(request_of_nine, 4))
    monkeypatch.undo()
    with opened(path, request_of_nine) as results:
        assert len(results) == 1
