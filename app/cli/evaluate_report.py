"""How `croze evaluate` shows what it found: a table on the terminal, and a folder of files."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.errors import CommandError
from app.cli.terminal import count, stderr
from proxy.evaluation import plots
from proxy.evaluation.evaluation import Evaluation
from proxy.evaluation.pairs import Pair
from proxy.evaluation.report import csv_text, document, markdown, shown_estimate, what_numbers_are

#: What is written into a folder, beside the plots.
REPORT, NUMBERS, DOCUMENT = "report.md", "numbers.csv", "evaluation.json"
_NONE: Final = "-"


class ReportFormat(StrEnum):
    """Values of `--format`."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def show_evaluation(console: Console, evaluation: Evaluation) -> None:
    """One table, by target, the best correlated score first. Of the selections only the first has room."""
    first = next(iter(evaluation.options.tops))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("score", no_wrap=True)
    headings = ["rows", "Spearman", "Kendall", *([f"given {', '.join(evaluation.given)}"] if evaluation.given else [])]
    for heading in (*headings, f"regret {first}", f"overlap {first}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for number, target in enumerate(evaluation.targets):
        table.add_row(*([] if number == 0 else [""]))
        table.add_row(Text(target.name, style="bold"))
        for pair in evaluation.of_target(target.name):
            table.add_row(*map(Text, _cells(evaluation, pair, first)))
    console.print(table)
    for line in what_numbers_are(evaluation):
        console.print(line, style="dim", markup=False)


def write_reports(evaluation: Evaluation, folder: Path) -> None:
    """Write everything into a folder, made if it is not there. Files of the same names are replaced.

    Raises:
        CommandError: it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pictures: list[tuple[str, Path]] = []
        if plots.can_draw():
            pictures = plots.draw(evaluation, folder)
        else:
            stderr().print(
                "no plots: they need matplotlib; install it with: pip install 'croze[evaluate]'", markup=False
            )
        text = markdown(evaluation, [(title, path.name) for title, path in pictures])
        (folder / REPORT).write_text(text, encoding="utf-8")
        (folder / NUMBERS).write_text(csv_text(evaluation), encoding="utf-8")
        (folder / DOCUMENT).write_text(
            json.dumps(document(evaluation), indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )
    except OSError as error:
        raise CommandError(f"cannot write to {folder}: {error.strerror}") from error
    stderr().print(
        f"written to {folder}: {REPORT}, {NUMBERS}, {DOCUMENT}, {count(len(pictures), 'plot')}",
        markup=False,
        soft_wrap=True,
    )


def _cells(evaluation: Evaluation, pair: Pair, first: str) -> list[str]:
    row = [f"  {pair.score}", str(pair.rows), shown_estimate(pair.spearman)]
    row.append(_NONE if pair.kendall.value is None else f"{pair.kendall.value:.3f}")
    row += [shown_estimate(pair.partial)] if evaluation.given else []
    found = next((each for each in pair.tops if each.name == first), None)
    return [*row, *([f"{found.regret:.2f}", f"{found.overlap:.0%}"] if found else [_NONE, _NONE])]
