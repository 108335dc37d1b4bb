from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from app.cli.bench_report import COLUMNS, markdown, notes, seconds, show_document

ROW: dict[str, Any] = {
    "name": "nb201_all_skip", "about": "NAS-Bench-201, skip connections", "architectures": 1, "fell_back": 1,
    "seconds_yardstick": 20.14, "seconds_float64": 2.0, "seconds_float32": 0.0356,
    "ratio_float64": 10.07, "ratio_float32": 565.7, "ratio_to_yardstick": 565.7,
    "gflop": 1.12, "achieved_gflops": 31.5, "fraction_of_peak": 0.304,
    "difference_float64": 2e-15, "difference_float32": None,
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "gemm_gflops": 103.6, "gemm_gflops_before": 103.6, "gemm_gflops_after": 99.0, "rows": [ROW],
    "machine": {
        "cpu": "Some CPU", "cores": 2, "threads": 1, "system": "Linux x86_64", "python": "3.11.7", "torch": "2.13.0",
        "capability": "AVX512",
    },
}  # fmt: skip
CELLS = ["20.1 s", "2.00 s", "35.6 ms", "10.1", "565.7", "1.1", "31.5", "30%"]


@pytest.mark.parametrize(
    ("value", "text"), [(20.14, "20.1 s"), (1.5, "1.50 s"), (0.45, "0.450 s"), (0.0356, "35.6 ms")]
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


def test_terminal() -> None:
    output = io.StringIO()
    show_document(Console(file=output, width=200), DOCUMENT)
    heading, row, *rest = output.getvalue().splitlines()
    assert all(name in heading for name in COLUMNS)
    assert row.split() == ["nb201_all_skip", *" ".join(CELLS).split()]
    assert [line.strip() for line in rest] == notes(DOCUMENT)


def test_markdown() -> None:
    lines = markdown(DOCUMENT).splitlines()
    assert lines[2] == f"| {ROW['about']} | {' | '.join(CELLS)} |"
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert "- peak: float32 matrix product, 103.6 GFLOP/s (before 103.6, after 99.0)" in lines


def test_notes_tell_what_can_be_told() -> None:
    text = "\n".join(notes(DOCUMENT))
    assert "Some CPU, AVX512, one of 2 cores" in text
    assert "float64 score from the yardstick's: 2e-15" in text
    assert "float32 score" not in text
    assert "1 of 1" in text
