"""An evaluation as JSON, CSV and Markdown. The same evaluation gives the same bytes. Torch-free."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from proxy.evaluation.evaluation import Evaluation
from proxy.evaluation.pairs import Pair
from proxy.evaluation.resampling import Estimate
from proxy.evaluation.targets import COLUMN
from proxy.json_types import JsonObject

#: Raised when a field changes its meaning or goes away.
VERSION: Final = 1
_STATISTICS: Final = ("spearman", "kendall", "partial")
_NONE: Final = "-"


def document(evaluation: Evaluation) -> JsonObject:
    """All numbers as one JSON object."""
    options = evaluation.options
    return {
        "version": VERSION,
        "space": evaluation.space,
        "architectures": len(evaluation.architectures),
        "seed": options.seed,
        "resamples": options.resamples,
        "level": options.level,
        "given": [*evaluation.given],
        "scores": [_score(evaluation, name) for name in evaluation.scores],
        "targets": [
            {"name": each.name, "definition": each.definition, "unit": "percent"} for each in evaluation.targets
        ],
        "pairs": [_pair(pair) for pair in evaluation.pairs],
        "notes": [*evaluation.notes],
    }


def csv_text(evaluation: Evaluation) -> str:
    """One line a pair of score and target, numbers in full precision. Empty: not defined."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    bounds = [f"{name}{part}" for name in _STATISTICS for part in ("", "_low", "_high")]
    tops = [f"{what}_at_{name}" for name in evaluation.options.tops for what in ("regret", "overlap")]
    writer.writerow(["target", "score", "rows", "tied_scores", "tied_targets", *bounds, "partial_rows", *tops])
    for pair in evaluation.pairs:
        numbers = [number for name in _STATISTICS for number in _numbers(getattr(pair, name))]
        found = {each.name: (each.regret, each.overlap) for each in pair.tops}
        selections = [n for name in evaluation.options.tops for n in found.get(name, (None, None))]
        facts = [pair.target, pair.score, pair.rows, pair.tied_scores, pair.tied_targets]
        writer.writerow([*facts, *numbers, pair.partial_rows, *selections])
    return stream.getvalue()


def markdown(evaluation: Evaluation, plots: Sequence[tuple[str, str]] = ()) -> str:
    """The tables for people, by target; what was left out; and what the numbers are.

    Args:
        plots: (title, path relative to the text's folder) of pictures to show.
    """
    return "\n".join(_markdown(evaluation, plots)) + "\n"


def headings(evaluation: Evaluation) -> list[str]:
    """Of the columns that `cells` gives, for a terminal and Markdown alike."""
    names = ["score", "rows", "Spearman", "Kendall"]
    names += [f"given {', '.join(evaluation.given)}"] if evaluation.given else []
    return names + [f"{what} {name}" for name in evaluation.options.tops for what in ("regret", "overlap")]


def cells(evaluation: Evaluation, pair: Pair) -> list[str]:
    """One pair, as short as people read it."""
    found = {each.name: each for each in pair.tops}
    row = [pair.score, str(pair.rows), shown_estimate(pair.spearman), shown_estimate(pair.kendall)]
    row += [shown_estimate(pair.partial)] if evaluation.given else []
    for name in evaluation.options.tops:
        each = found.get(name)
        row += [f"{each.regret:.2f}", f"{each.overlap:.0%}"] if each else [_NONE, _NONE]
    return row


def shown_estimate(estimate: Estimate) -> str:
    """0.924 [0.917, 0.930]"""
    if estimate.value is None:
        return _NONE
    point = f"{estimate.value:.3f}"
    return (
        point if estimate.low is None or estimate.high is None else f"{point} [{estimate.low:.3f}, {estimate.high:.3f}]"
    )


def what_numbers_are(evaluation: Evaluation) -> list[str]:
    """What has to be said beside the tables."""
    options = evaluation.options
    lines = [f"{len(evaluation.architectures)} architectures of {evaluation.space} have a score and an accuracy."]
    if options.resamples:
        lines.append(
            f"In brackets: {options.level:.0%} percentile intervals of {options.resamples} bootstrap resamples of the "
            f"architectures, seed {options.seed}."
        )
    lines.append(
        "Regret k: percentage points lost by taking the best of the k best scored. "
        "Overlap k: how many of these are among the k truly best."
    )
    lines += [f"{name}: sum of log(rank / m) of {', '.join(of)}." for name, of in evaluation.aggregates.items()]
    return lines


def _markdown(evaluation: Evaluation, plots: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "# How well scores predict accuracies"
    yield ""
    yield from (f"- {line}" for line in what_numbers_are(evaluation))
    names = headings(evaluation)
    for target in evaluation.targets:
        yield ""
        yield f"## {_escaped(target.name)}"
        yield ""
        if target.definition != COLUMN:
            yield f"{_escaped(target.definition)}."
            yield ""
        yield f"| {' | '.join(names)} |"
        yield f"|{'---|' + '---:|' * (len(names) - 1)}"
        for pair in evaluation.of_target(target.name):
            yield f"| {' | '.join(_escaped(cell) for cell in cells(evaluation, pair))} |"
    for title, path in plots:
        yield ""
        yield f"![{_escaped(title)}]({path})"
    if evaluation.notes:
        yield ""
        yield "## What was left out"
        yield ""
        yield from (f"- {_escaped(note)}" for note in evaluation.notes)


def _score(evaluation: Evaluation, name: str) -> JsonObject:
    parts = evaluation.aggregates.get(name)
    return {"name": name, "kind": "aggregate" if parts else "score", "of": [*parts] if parts else []}


def _pair(pair: Pair) -> JsonObject:
    facts: dict[str, Any] = {
        "target": pair.target,
        "score": pair.score,
        "rows": pair.rows,
        "tied_scores": pair.tied_scores,
        "tied_targets": pair.tied_targets,
    }
    for name in _STATISTICS:
        facts[name] = dict(zip(("value", "low", "high"), _numbers(getattr(pair, name)), strict=True))
    facts["partial_rows"] = pair.partial_rows
    facts["top"] = [
        {
            "name": each.name,
            "k": each.k,
            "regret": each.regret,
            "overlap": each.overlap,
            "overlap_by_chance": each.k / pair.rows,
        }
        for each in pair.tops
    ]
    return facts


def _numbers(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _escaped(text: str) -> str:
    """Text that a Markdown table shows as it is."""
    return text.replace("|", r"\|").replace("\n", " ").replace("_", r"\_").replace("*", r"\*").replace("<", "&lt;")
