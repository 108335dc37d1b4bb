"""`croze score -o FILE`: each result goes into a file as it comes, and a run that was cut off is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import typer

from app.cli.basis import basis_asked
from app.cli.errors import CommandError, UsageError
from app.cli.local_scoring import LocalScoring
from app.cli.progress import report_progress
from app.cli.remote_scoring import RemoteScoring
from app.cli.results_file import ResultsFile
from app.cli.scoring_request import ScoringRequest
from app.cli.summary import Summary
from app.cli.terminal import stderr
from proxy.json_types import JsonObject, JsonValue

Score: TypeAlias = Callable[[ScoringRequest], Generator[JsonObject]]
"""Yields the items of a request as they finish."""

#: Codes of scores that another try may well have.
_PASSING: Final = frozenset({"out_of_memory"})


def score_into_file(request: ScoringRequest, url: str | None, path: Path) -> None:
    """Score what `path` does not hold yet, here or at the service at `url`.

    Raises:
        UsageError: the request or the file is wrong.
        CommandError: it cannot go on; what the file holds is good.
        typer.Exit: 1 if an item has no score.
    """
    score: Score
    if url is None:
        local = LocalScoring.prepare(request)
        asked = basis_asked(request, local.settings, local.batch.digest)
        score = lambda missing: replace(local, request=missing).items()  # noqa: E731
    else:
        asked = basis_asked(request)
        score = lambda missing: RemoteScoring(missing, url).items()  # noqa: E731
    with ResultsFile(path, request, asked) as results:
        _score_missing(results, request, score)


def is_final(item: JsonObject) -> bool:
    """Whether another try would end the same way: not if an engine died, the job was canceled, or memory ran out."""
    scores: Any = item["scores"]
    codes = {score["error"]["code"] for score in scores.values() if score["error"]}
    return item["status"] in ("scored", "failed") and item["error"] is None and not codes & _PASSING


def _score_missing(results: ResultsFile, request: ScoringRequest, score: Score) -> None:
    total, summary = len(request.entries), Summary(request)
    if len(results):
        _say(f"{results.path} holds {len(results)} of {total} already")
    try:
        with (
            closing(_missing(results, request, score)) as items,
            report_progress(stderr(), total, done=len(results)) as progress,
        ):
            for item in items:
                if is_final(item):
                    results.append(item)
                summary.add(item)
                progress.advance(failed=item["status"] != "scored")
        if len(results) == total:
            results.finish(request.options.aggregate)
    except UsageError:
        raise
    except (KeyboardInterrupt, CommandError):
        _say_how_to_go_on(results, total)
        raise
    scored = len(results) - results.failed
    summary.show(scored)
    if len(results) < total:
        _say_how_to_go_on(results, total)
    else:
        _say(f"{results.path} is complete, in the order of the architectures")
    if scored < total:
        raise typer.Exit(1)


def _missing(results: ResultsFile, request: ScoringRequest, score: Score) -> Generator[JsonObject]:
    """The items that the file does not hold, as they finish."""
    indexes = [index for index in range(len(request.entries)) if index not in results]
    if not indexes:
        return
    # What is scored for a missing one comes along, be it in the file: a class keeps its score, which is known then.
    indexes = sorted({*indexes, *(request.firsts[index] for index in indexes)})
    missing = replace(request, entries=[request.entries[index] for index in indexes])
    with closing(score(missing)) as items:
        for item in items:
            position: Any = item["index"]
            if indexes[position] not in results:
                yield {
                    **item,
                    "index": indexes[position],
                    "representative": _placed(item.get("representative"), indexes),
                }


def _placed(representative: JsonValue, indexes: list[int]) -> JsonValue:
    """An item's representative, by its place among all."""
    if not isinstance(representative, dict):
        return None
    position: Any = representative["index"]
    return {**representative, "index": indexes[position]}


def _say_how_to_go_on(results: ResultsFile, total: int) -> None:
    _say(f"{len(results)} of {total} are in {results.path}; the same command goes on from there")


def _say(text: str) -> None:
    stderr().print(text, style="dim", markup=False, soft_wrap=True)
