"""The command, on the committed sample: streams, formats, files, exit codes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import evaluate
from proxy.evaluation import plots
from tests.app.cli.conftest import Croze, Finished

GOLDEN = Path(__file__).parents[2] / "golden"
SCORES = str(GOLDEN / "nasbench201_sample_scores.csv")
TABLE = str(GOLDEN / "nasbench201_sample_accuracies.csv")
QUICK = ("--resamples", "20", "--target", "clean", "--target", "hrs:fgsm")
SAMPLE = (SCORES, "--accuracies", TABLE, "--aggregate", "croze+jacob_cov", "--given", "params")


def check_refused(done: Finished, *parts: str) -> None:
    assert done.exit_code == 2, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    for part in parts:
        assert part in done.err


def test_table(croze: Croze) -> None:
    done = croze("evaluate", *SAMPLE, *QUICK)
    assert done.exit_code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == [
        "score",
        "rows",
        "Spearman",
        "Kendall",
        "given",
        "params",
        *["regret", "10", "overlap", "10"],
    ]
    assert "clean" in lines[2]
    assert lines[3].split()[:3] == ["croze+jacob_cov", "200", "0.917"]
    assert "20 bootstrap resamples" in done.out
    assert done.err == ""


def test_csv_and_json_and_markdown_on_stdout(croze: Croze) -> None:
    rows = list(csv.DictReader(croze("evaluate", *SAMPLE, *QUICK, "--format", "csv").out.splitlines()))
    document = json.loads(croze("evaluate", *SAMPLE, *QUICK, "--format", "json").out)
    assert [(row["target"], row["score"]) for row in rows] == [(p["target"], p["score"]) for p in document["pairs"]]
    assert len(rows) == 10
    assert document["seed"] == 0
    assert croze("evaluate", *SAMPLE, *QUICK, "--format", "markdown").out.startswith("# How well scores predict")


def test_what_is_left_out_is_said(croze: Croze, tmp_path: Path) -> None:
    lines = Path(SCORES).read_text().splitlines()
    few = tmp_path / "few.csv"
    few.write_text("\n".join(lines[:103]) + "\n")
    done = croze("evaluate", str(few), "-a", TABLE, *QUICK)
    assert done.exit_code == 0
    assert "100 architectures have an accuracy and no score; left out" in done.err


@pytest.mark.parametrize("more", [(), ("--dedupe", "isomorphic", "--aggregate", "params+macs")], ids=["plain", "more"])
def test_scores_that_this_command_made(croze: Croze, tmp_path: Path, more: tuple[str, ...]) -> None:
    lines = [line for line in Path(TABLE).read_text().splitlines() if not line.startswith("#")]
    cells = [row["index"] for row in csv.DictReader(lines)][:5]
    results = tmp_path / "scores.jsonl"
    architectures = [f"index:{index}" for index in cells]
    asked = ("score", *architectures, "--proxy", "params", "--proxy", "macs", *more)
    assert croze(*asked, "-o", str(results)).exit_code == 0
    text = croze(*asked, "--format", "csv").out
    (tmp_path / "scores.csv").write_text(text)
    from_lines, from_csv = (
        croze("evaluate", str(path), "-a", TABLE, *QUICK, "--given", "params", "--format", "json")
        for path in (results, tmp_path / "scores.csv")
    )
    assert from_lines.exit_code == 0, from_lines.err
    assert from_lines.out == from_csv.out
    assert [pair["rows"] for pair in json.loads(from_lines.out)["pairs"]] == [5] * 4


def test_folder_of_reports(croze: Croze, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    done = croze("evaluate", *SAMPLE, *QUICK, "--out", str(folder), "--format", "json")
    assert done.exit_code == 0, done.err
    pictures = {
        f"{stem}.{kind}" for stem in ("correlations", "scatter_clean", "scatter_hrs_fgsm") for kind in ("png", "svg")
    }
    assert {path.name for path in folder.iterdir()} == {"report.md", "numbers.csv", "evaluation.json", *pictures}
    assert (folder / "evaluation.json").read_text() == done.out
    assert (folder / "scatter_clean.png").read_bytes().startswith(b"\x89PNG")
    assert "![Scores and hrs:fgsm](scatter_hrs_fgsm.png)" in (folder / "report.md").read_text()
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert croze("evaluate", *SAMPLE, *QUICK, "--out", str(folder)).exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_without_matplotlib_there_are_no_plots(croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "can_draw", lambda: False)
    done = croze("evaluate", *SAMPLE, *QUICK, "--out", str(tmp_path))
    assert done.exit_code == 0
    assert "pip install 'croze[evaluate]'" in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "numbers.csv", "evaluation.json"}


def test_wrong_input(croze: Croze, tmp_path: Path) -> None:
    check_refused(croze("evaluate", SCORES, "-a", str(tmp_path / "no.csv")), "cannot read", "No such file")
    check_refused(croze("evaluate", str(tmp_path), "-a", TABLE), "cannot read")
    check_refused(croze("evaluate", *SAMPLE, "--target", "cleam"), "did you mean 'clean'?")
    check_refused(croze("evaluate", SCORES, "-a", TABLE, "--space", "nasbench"), "did you mean 'nasbench201'?")
    check_refused(croze("evaluate", *SAMPLE, *QUICK, "--level", "95"), "level 95")
    table = tmp_path / "table.csv"
    table.write_text("index,clean\n5,0.9\n77,0.7\n5,0.8\n")
    check_refused(croze("evaluate", SCORES, "-a", str(table)), "twice", "table.csv:4", "keep one of them")
    table.write_text("index,clean\n5,0.9\n77,70\n")
    check_refused(croze("evaluate", SCORES, "-a", str(table)), "percent or fraction?", "--unit")


def test_a_folder_that_cannot_be_written(croze: Croze, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = croze("evaluate", *SAMPLE, *QUICK, "--out", str(tmp_path / "file"))
    assert done.exit_code == 1
    assert "cannot write to" in done.err


def test_ctrl_c(croze: Croze, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "evaluate", interrupted)
    done = croze("evaluate", *SAMPLE, *QUICK)
    assert done.exit_code == 130
    assert done.out == ""
    assert "interrupted" in done.err


def test_help_starts_without_heavy_packages() -> None:
    code = "import sys, app.cli.main; print(sorted({'torch', 'scipy', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"
