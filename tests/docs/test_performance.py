"""docs/performance.md shows what is in benchmarks/results, and explains all that it shows."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.cli.bench_report import COLUMNS, markdown
from app.cli.main import app as cli
from benchmarks.performance_page import BEGIN, END, PAGE, RESULTS, SWEEPS, rendered
from proxy.bench.rows import ROWS
from tests.app.cli.test_bench_report import DOCUMENT

ROOT = Path(__file__).parents[2]
TEXT = PAGE.read_text("utf-8")


def test_the_page_shows_the_results_that_are_here() -> None:
    assert rendered(TEXT, RESULTS, PAGE.parent) == TEXT, "repair: python -m benchmarks.performance_page"


def test_every_figure_and_every_row_is_explained() -> None:
    explained = "".join(re.findall(r"^\| ([^|]*) \|", TEXT, re.MULTILINE))
    assert [name for name in [*COLUMNS, *ROWS] if name not in explained] == []


def test_commands_targets_and_modules_exist() -> None:
    commands: Any = get_command(cli)
    options = {option for parameter in commands.commands["bench"].params for option in parameter.opts}
    assert {*re.findall(r"croze bench.*?(--\w+)", TEXT)} <= options
    assert {*re.findall(r"--row (\w+)", TEXT)} <= {*ROWS}
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {*re.findall(r"^    make (\w+)", TEXT, re.MULTILINE)} <= {*targets}
    for module in re.findall(r"-m ([\w.]+)", TEXT):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


def test_a_run_is_put_between_the_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    page = f"above\n{BEGIN}old\n{END}below\n"
    (tmp_path / "bench.json").write_text(json.dumps(DOCUMENT))
    with (tmp_path / "cost_by_size.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sweep", "size", "precision", "seconds", "seconds_each"])
        for sweep in SWEEPS:
            writer.writerow([sweep, 8, "float64", 12.0, 1.5])
            writer.writerow([sweep, 8, "float32", 0.25, 0.03125])
    (tmp_path / "cost-by-size.png").write_bytes(b"")
    new = rendered(page, tmp_path, tmp_path)
    assert new.startswith(f"above\n{BEGIN}\n{markdown(DOCUMENT)}\n")
    assert new.count("| 8 | 12.0 s | 0.250 s |") == len(SWEEPS)
    assert new.endswith(f"(cost-by-size.png)\n\n{END}below\n")
    assert "old" not in new
    assert rendered(new, tmp_path, tmp_path) == new


def test_without_results_the_part_is_empty(tmp_path: Path) -> None:
    assert rendered(f"{BEGIN}old\n{END}", tmp_path, tmp_path) == BEGIN + END


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_its_part_is_refused(page: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one part"):
        rendered(page, tmp_path, tmp_path)
