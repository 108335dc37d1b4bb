"""How `croze bench` shows what was measured: on a terminal and as a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from rich.console import Console
from rich.table import Table

Document: TypeAlias = Mapping[str, Any]

#: Heading -> the text of a row.
COLUMNS: Final[dict[str, Callable[[Document], str]]] = {
    "yardstick": lambda row: seconds(row["seconds_yardstick"]),
    "float64": lambda row: seconds(row["seconds_float64"]),
    "float32": lambda row: seconds(row["seconds_float32"]),
    "ratio, float64": lambda row: f"{row['ratio_float64']:.1f}",
    "ratio, float32": lambda row: f"{row['ratio_float32']:.1f}",
    "GFLOP": lambda row: f"{row['gflop']:.1f}",
    "GFLOP/s": lambda row: f"{row['achieved_gflops']:.1f}",
    "of peak": lambda row: f"{row['fraction_of_peak']:.0%}",
}


def seconds(value: float) -> str:
    """Three digits: "20.1 s", "0.450 s", "35.2 ms"."""
    if value < 0.1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.1f} s" if value >= 10 else f"{value:.{2 if value >= 1 else 3}f} s"


def finished_line(row: Document) -> str:
    """One row as soon as it is measured, when the peak is not known yet."""
    shown = [f"{name} {COLUMNS[name](row)}" for name in ("yardstick", "float64", "float32")]
    return f"{row['name']}: {', '.join(shown)}"


def show_document(console: Console, document: Document) -> None:
    """The table, the machine, and how far the scores were apart."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("row", no_wrap=True)
    for heading in COLUMNS:
        table.add_column(heading, justify="right")
    for row in document["rows"]:
        table.add_row(row["name"], *(text(row) for text in COLUMNS.values()))
    console.print(table)
    for line in notes(document):
        console.print(line, style="dim", markup=False)


def notes(document: Document) -> list[str]:
    """What belongs beside the table."""
    machine, rows = document["machine"], document["rows"]
    lines = [
        f"{machine['cpu']}, {machine['capability']}, one of {machine['cores']} cores; {machine['system']}, "
        f"torch {machine['torch']}, Python {machine['python']}",
        f"peak: float32 matrix product, {document['gemm_gflops']:.1f} GFLOP/s "
        f"(before {document['gemm_gflops_before']:.1f}, after {document['gemm_gflops_after']:.1f})",
    ]
    for precision in ("float64", "float32"):
        differences = [row[f"difference_{precision}"] for row in rows if row[f"difference_{precision}"] is not None]
        if differences:
            lines.append(f"largest difference of a {precision} score from the yardstick's: {max(differences):.1g}")
    fell_back, total = (sum(row[key] for row in rows) for key in ("fell_back", "architectures"))
    lines.append(f"computed in float64 though float32 was asked for: {fell_back} of {total}")
    return lines


def markdown(document: Document) -> str:
    """The same for docs/performance.md."""
    heading = ["", *COLUMNS]
    rows = [[row["about"], *(text(row) for text in COLUMNS.values())] for row in document["rows"]]
    lines = [heading, ["---", *["---:"] * len(COLUMNS)], *rows]
    table = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([*table, "", *(f"- {line}" for line in notes(document))]) + "\n"
