"""`croze evaluate`: how well scores predict accuracies that were measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.errors import INTERRUPTED, UsageError
from app.cli.evaluate_report import ReportFormat, show_evaluation, write_reports
from app.cli.scoring_request import MAX_SEED
from app.cli.terminal import stderr, stdout
from proxy.errors import ProxyError
from proxy.evaluation.accuracies import DEFAULT_DATASET, read_accuracies
from proxy.evaluation.evaluation import Evaluation, evaluate
from proxy.evaluation.pairs import DEFAULT_RESAMPLES, LEVEL, MAX_RESAMPLES, Options
from proxy.evaluation.report import csv_text, document, markdown
from proxy.evaluation.scores import read_scores
from proxy.evaluation.selection import DEFAULT_TOPS
from proxy.evaluation.units import Unit
from proxy.spaces import SPACES

EXAMPLES: Final = """
Examples:

  croze score -f cells.txt --proxy croze --proxy params -o scores.jsonl

  croze evaluate scores.jsonl --accuracies measured.csv --given params

  croze evaluate croze.jsonl others.csv --accuracies measured.csv --aggregate croze+jacob_cov --target clean --target
  hrs:pgd --out evaluation

SCORES are files of croze score (-o, or --format csv), or any CSV with a column architecture, or index (official
NAS-Bench-201 numbers), and one column a score. Several are joined by architecture.

TABLE is a CSV of the same kind with one column a target, in percent or as fractions; or the folder of Jung et al.
(2023); or the JSON file of NAS-RobBench-201. Several are joined by architecture.

Targets beside its columns: noise, blur, weather, digital and corruptions (means of the 15 common corruptions, where
their columns are there), and hrs:COLUMN or hrs:CLEAN,COLUMN (harmonic robustness score).

docs/evaluate.md defines every number. Exit code: 0 evaluated, 2 the input is wrong.
"""


def evaluate_command(
    scores: Annotated[list[Path], typer.Argument(metavar="SCORES...", help="Files of scores.", show_default=False)],
    accuracies: Annotated[
        list[Path],
        typer.Option(
            "--accuracies", "-a", metavar="TABLE", help="What was measured; may be repeated.", show_default=False
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", "--targets", metavar="NAME", help="May be repeated. Default: what the table suggests."
        ),
    ] = None,
    score: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this score; may be repeated. Default: all.")
    ] = None,
    aggregate: Annotated[
        list[str] | None,
        typer.Option(metavar="A+B", help="Sum of log-ranks of these scores, or a preset; may be repeated."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="params, macs or a score, held fixed in a partial correlation; may be repeated."
        ),
    ] = None,
    lower: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A score of which lower is better; may be repeated.")
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(metavar="SPACE", help=f"{' or '.join(SPACES)}; needed only where a genotype leaves it open."),
    ] = None,
    unit: Annotated[
        Unit | None,
        typer.Option(help="Of accuracies in a CSV whose headings do not say it. Default: as the numbers show."),
    ] = None,
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help="Which one, of a benchmark that has several.")
    ] = DEFAULT_DATASET,
    top: Annotated[
        list[str] | None,
        typer.Option(metavar="K|K%", help=f"Sizes of selections; may be repeated. Default: {', '.join(DEFAULT_TOPS)}."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, max=MAX_RESAMPLES, help="Of the bootstrap; 0: no intervals.")
    ] = DEFAULT_RESAMPLES,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = LEVEL,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of the bootstrap.")] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write Markdown, CSV, JSON and plots (PNG, SVG) here.")
    ] = None,
    output_format: Annotated[ReportFormat, typer.Option("--format", help="Of standard output.")] = ReportFormat.TABLE,
) -> None:
    """Compare scores with accuracies that were measured: rank correlations, selections, and how sure they are."""
    options = Options(resamples=resamples, seed=seed, level=level, tops=tuple(dict.fromkeys(top or DEFAULT_TOPS)))
    try:
        with _refused():
            measured = read_accuracies(*accuracies, space=space, unit=unit, dataset=dataset, targets=target or ())
            computed = read_scores(scores, space=space, only=score or (), lower=lower or ())
            with _progress(resamples) as progress:
                evaluation = evaluate(
                    computed,
                    measured,
                    targets=target or (),
                    aggregates=aggregate or (),
                    given=given or (),
                    options=options,
                    advance=progress,
                )
        _print(evaluation, output_format)
        if out is not None:
            write_reports(evaluation, out)
    except KeyboardInterrupt:
        stderr().print("interrupted; nothing is left running")
        raise typer.Exit(INTERRUPTED) from None


def _print(evaluation: Evaluation, output_format: ReportFormat) -> None:
    if output_format is ReportFormat.TABLE:
        show_evaluation(stdout(), evaluation)
    elif output_format is ReportFormat.JSON:
        sys.stdout.write(json.dumps(document(evaluation), indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write(csv_text(evaluation) if output_format is ReportFormat.CSV else markdown(evaluation))
    for note in evaluation.notes:
        stderr().print(note, style="yellow", markup=False, soft_wrap=True)


@contextmanager
def _refused() -> Iterator[None]:
    """What the tables or the request are refused for, as an error of the command line."""
    try:
        yield
    except ProxyError as error:
        raise UsageError(error.message, [str(fault) for fault in error.faults]) from error


@contextmanager
def _progress(resamples: int) -> Iterator[Callable[[float], None]]:
    """A bar for people who watch; takes the share of the work that was done since it was last told."""
    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"{resamples} resamples", total=1.0)
        yield lambda share: progress.advance(task, share)
