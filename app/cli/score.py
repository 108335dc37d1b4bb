"""`croze score`: architectures in, scores out."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer

from app.cli import shared_options
from app.cli.aggregating import rank_items
from app.cli.architectures_file import Entry, Unreadable, read_entries
from app.cli.errors import UsageError
from app.cli.file_scoring import score_into_file
from app.cli.interrupts import interruptible
from app.cli.local_scoring import LocalScoring
from app.cli.output import OUTPUTS, OutputFormat
from app.cli.progress import report_progress
from app.cli.remote_scoring import RemoteScoring
from app.cli.results import in_input_order
from app.cli.scoring_request import (
    MAX_SEED,
    ScoringOptions,
    ScoringRequest,
    check_request,
    read_seeds,
    whole_space,
    with_aggregate,
)
from app.cli.shared_options import check_place, settings_given
from app.cli.summary import Summary
from app.cli.terminal import stderr
from proxy.aggregates import AGGREGATES
from proxy.data.spec import DEFAULT_BATCH
from proxy.json_types import JsonObject
from proxy.precision import DEFAULT_PRECISION
from proxy.proxies import PROXIES
from proxy.spaces import SPACES
from proxy.spread import MAX_SEEDS
from workers.records import Dedupe

EXAMPLES: Final = """
Examples:

  croze score index:2631 index:13714 --proxy croze --proxy params

  croze score "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"

  croze score -f darts.txt --channels 16 --layers 8 --format csv > out.csv

  generate | croze score - --format json | jq .scores.croze.value

  croze score -f cells.txt --url http://127.0.0.1:8000

  croze score -f cells.txt --seeds 0-4

  croze score -f cells.txt --aggregate robust

  croze score --space nasbench201 --all -o nasbench201.jsonl

  croze score --from naslib_nb201 "(4, 0, 3, 1, 4, 3)"

With -o FILE each result is a line of JSON in FILE as soon as it is there, and
what FILE holds is not scored again: after Ctrl-C the same command goes on. A
FILE with results of other settings is refused. A complete FILE is in input
order; with --all the index is the space's own.

A line of a file is a genotype as a string or as JSON, index:NUMBER, or an
object {"architecture": ..., "format": ..., "id": ...}. Blank lines and lines
that begin with # are skipped.

Exit code: 0 every item was scored, 1 some failed, 2 the input is wrong and
nothing was scored.
"""


#: Spaces that --all can list.
_ENUMERABLE: Final = tuple(name for name, space in SPACES.items() if space.enumerate is not None)


def score(
    architectures: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ARCH]...", help="Genotypes, index:NUMBER, or - for standard input."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="One architecture a line; - is standard input.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help=f"Every architecture of the space: {' or '.join(_ENUMERABLE)}.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write JSON lines here, and go on with what is here."),
    ] = None,
    local: shared_options.Local = False,
    url: shared_options.Url = None,
    space: Annotated[
        str | None,
        typer.Option(metavar="SPACE", help=f"{' or '.join(SPACES)}; needed only where a genotype leaves it open."),
    ] = None,
    tag: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help="Of genotypes that do not show it, e.g. naslib_nb201."),
    ] = None,
    proxy: Annotated[
        list[str] | None, typer.Option(metavar="PROXY", help=f"{', '.join(PROXIES)}; may be repeated. Default: croze.")
    ] = None,
    aggregate: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|A+B", help=f"Rank by several proxies together: {', '.join(AGGREGATES)}, or croze+jacob_cov."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=MAX_SEED, help="Of the weights. Default: 0.", show_default=False)
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="0,1,2|0-3", help=f"Up to {MAX_SEEDS} seeds: scores are means over them, with a spread."),
    ] = None,
    precision: shared_options.Precision = DEFAULT_PRECISION,
    batch: shared_options.Images = DEFAULT_BATCH,
    channels: shared_options.Channels = None,
    cells: shared_options.Cells = None,
    layers: shared_options.Layers = None,
    classes: shared_options.Classes = None,
    per_layer: Annotated[
        bool,
        typer.Option("--per-layer", help="Add each layer's share to the scores (json, at most 100 architectures)."),
    ] = False,
    dedupe: Annotated[
        Dedupe, typer.Option(help="Whether one architecture is scored for all that are equal as functions.")
    ] = "identical",
    output_format: Annotated[
        OutputFormat | None, typer.Option("--format", help="Of standard output. Default: table.")
    ] = None,
) -> None:
    """Score architectures with CRoZe and other proxies, here or at a running service."""
    check_place(url, local=local)
    if output is not None and output_format not in (None, OutputFormat.JSON):
        raise UsageError("-o writes JSON lines; leave --format out, or send standard output to a file")
    if per_layer and output is None and output_format is not OutputFormat.JSON:
        raise UsageError("--per-layer goes with --format json or -o only")
    if seed is not None and seeds is not None:
        raise UsageError("--seed and --seeds exclude each other")
    proxies, combined = with_aggregate(proxy or (), aggregate)
    options = ScoringOptions(
        space=space,
        settings=settings_given(channels, cells, layers, classes),
        proxies=proxies,
        aggregate=combined,
        seeds=read_seeds(seeds) if seeds is not None else (seed or 0,),
        precision=precision,
        batch=batch,
        layers=per_layer,
        dedupe=dedupe,
    )
    entries = _entries(architectures or [], file, tag, space, everything=everything)
    with interruptible():
        request = check_request(entries, options)
        if output is not None:
            score_into_file(request, url, output)
        else:
            _run(request, url, output_format or OutputFormat.TABLE)


def _entries(
    architectures: list[str], file: str | None, tag: str | None, space: str | None, *, everything: bool
) -> Iterator[Entry | Unreadable]:
    """What to score: all of a space, or what the user wrote."""
    if not everything:
        if file is None and not architectures and not sys.stdin.isatty():
            architectures = ["-"]  # croze score < cells.txt
        return read_entries(architectures, file, tag)
    if architectures or file is not None or tag is not None:
        raise UsageError("--all is every architecture of the space; name none beside it, and no format")
    return whole_space(space)


def _run(request: ScoringRequest, url: str | None, output_format: OutputFormat) -> None:
    if url is None:
        scoring: LocalScoring | RemoteScoring = LocalScoring.prepare(request)
    else:
        scoring = RemoteScoring(request, url)
    summary = Summary(request)
    with closing(_reporting(scoring.items(), request, output_format)) as items:
        output = OUTPUTS[output_format](request)
        ordered: Iterable[JsonObject] = in_input_order(items)
        if request.options.aggregate is not None:
            ordered = rank_items(ordered, request.options.aggregate)
        for item in ordered:
            output.write(item)
            summary.add(item)
    output.finish()
    summary.show()
    if summary.failed:
        raise typer.Exit(1)


def _reporting(
    items: Generator[JsonObject], request: ScoringRequest, output_format: OutputFormat
) -> Generator[JsonObject]:
    """The same items, reported as they pass. Two streams on one terminal would tear a live bar apart."""
    console = stderr()
    bar = console.is_terminal and (output_format is OutputFormat.TABLE or not sys.stdout.isatty())
    with closing(items), report_progress(console, len(request.entries), bar=bar) as progress:
        for item in items:
            progress.advance(failed=item["status"] != "scored")
            yield item
