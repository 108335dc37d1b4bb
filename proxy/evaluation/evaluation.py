"""A whole evaluation: scores and accuracies joined, aggregates and targets made, every pair's numbers. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from proxy.aggregates import AGGREGATES
from proxy.errors import allowed_names, shown
from proxy.evaluation.errors import InvalidRequest, InvalidTable
from proxy.evaluation.members import Table
from proxy.evaluation.pairs import MIN_ROWS, Options, Pair, evaluate_columns
from proxy.evaluation.ranks import Columns, Floats, log_rank
from proxy.evaluation.scores import COUNTS, Scores
from proxy.evaluation.targets import Target, make_targets
from proxy.spaces import get_space
from proxy.spaces._base import ImageShape

#: Between the names of the scores in an aggregate: "croze+jacob_cov".
PLUS: Final = "+"
#: The networks whose parameters are counted if the files of scores do not say them: the default ones, on CIFAR-10.
_CLASSES: Final = 10
_IMAGE: Final = ImageShape(3, 32, 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All numbers, and what they were made of."""

    space: str
    architectures: tuple[str, ...]
    """Those that have a score and an accuracy, in the order of the scores."""
    scores: Columns
    """Proxies and aggregates, higher better, NaN where there is none."""
    aggregates: Mapping[str, tuple[str, ...]]
    """Aggregate -> the scores it is made of."""
    targets: tuple[Target, ...]
    given: tuple[str, ...]
    options: Options
    pairs: tuple[Pair, ...]
    """By target in the order of `targets`, within a target by rho, best first."""
    notes: tuple[str, ...]
    """What was left out, and why."""

    def of_target(self, name: str) -> list[Pair]:
        """The pairs of one target, best first."""
        return [pair for pair in self.pairs if pair.target == name]


def evaluate(
    scores: Scores,
    accuracies: Table,
    *,
    targets: Sequence[str] = (),
    aggregates: Sequence[str] = (),
    given: Sequence[str] = (),
    options: Options | None = None,
    advance: Callable[[float], None] = lambda _share: None,
) -> Evaluation:
    """Evaluate.

    Args:
        targets: their names (`targets`); empty: those that the table suggests.
        aggregates: each "a+b", or a preset of `proxy.aggregates`: `ranks.log_rank` of these scores, over all
            architectures that have them, also those without an accuracy.
        given: scores, or `params` and `macs`, to hold fixed in the partial correlation.
        advance: is told which share of the work has been done since it was last called.

    Raises:
        InvalidTable: the tables are of different spaces or have no architecture in common.
        InvalidRequest: a name does not exist.
    """
    options = options or Options()
    if scores.space != accuracies.space:
        raise InvalidTable(f"the scores are of space {scores.space}, the accuracies of {accuracies.space}")
    parts = {name: _parts(name, scores.columns) for name in aggregates}
    columns = dict(scores.columns)
    for name, of in parts.items():
        columns[name] = log_rank({part: scores.columns[part] for part in of})
    held = {name: _held(name, columns, scores) for name in dict.fromkeys(given)}
    where = {architecture: row for row, architecture in enumerate(accuracies.architectures)}
    rows = np.array([row for row, each in enumerate(scores.architectures) if each in where], dtype=np.intp)
    common = tuple(scores.architectures[row] for row in rows)
    if len(common) < MIN_ROWS:
        raise InvalidTable(
            f"{len(common)} architectures have both a score and an accuracy; at least {MIN_ROWS} are needed "
            f"({len(scores.architectures)} have scores, {len(accuracies.architectures)} have accuracies)"
        )
    of_accuracies = np.array([where[each] for each in common], dtype=np.intp)
    made = make_targets({name: column[of_accuracies] for name, column in accuracies.columns.items()}, targets)
    chosen = {name: column[rows] for name, column in columns.items()}
    pairs = evaluate_columns(
        chosen,
        {target.name: target.values for target in made},
        {name: column[rows] for name, column in held.items()},
        options,
        advance,
    )
    order = {target.name: position for position, target in enumerate(made)}
    return Evaluation(
        space=scores.space,
        architectures=common,
        scores=chosen,
        aggregates=parts,
        targets=tuple(made),
        given=tuple(held),
        options=options,
        pairs=tuple(sorted(pairs, key=lambda pair: (order[pair.target], -_or_worst(pair.spearman.value)))),
        notes=(*scores.notes, *accuracies.notes, *_joining(scores, accuracies, len(common)), *_gaps(made)),
    )


def _parts(name: str, scores: Columns) -> tuple[str, ...]:
    preset = AGGREGATES.get(name)
    parts = tuple(part.strip() for part in name.split(PLUS)) if preset is None else preset.proxies
    if len(parts) < 2 or len(set(parts)) < len(parts):
        raise InvalidRequest(
            f"aggregate {shown(name)}: write two or more different scores, as croze+jacob_cov, or name a preset: "
            f"{', '.join(AGGREGATES)}"
        )
    for part in parts:
        if part not in scores:
            raise InvalidRequest(f"aggregate {shown(name)}: no score {shown(part)}; {allowed_names(part, scores)}")
    if name in scores:
        raise InvalidRequest(f"aggregate {shown(name)} is the name of a score too; rename that column")
    return parts


def _held(name: str, columns: Columns, scores: Scores) -> Floats:
    """A column to hold fixed: a score, what the files say of the network's size, or that counted here."""
    if name in columns:
        return columns[name]
    if name not in COUNTS:
        raise InvalidRequest(
            f"cannot hold {shown(name)} fixed; {allowed_names(name, {**columns, **dict.fromkeys(COUNTS)})}"
        )
    told = scores.counts.get(name)
    return told if told is not None and np.isfinite(told).all() else _counted(name, scores)


def _counted(name: str, scores: Scores) -> Floats:
    space = get_space(scores.space)
    settings = space.complete_settings({}, _CLASSES)
    counts = [space.counts(space.parse(each).architecture, settings, _IMAGE) for each in scores.architectures]
    return np.array([getattr(each, name) for each in counts], dtype=np.float64)


def _or_worst(value: float | None) -> float:
    return -2.0 if value is None else value


def _joining(scores: Scores, accuracies: Table, common: int) -> list[str]:
    """How many rows of each side have no partner."""
    alone = [
        (len(scores.architectures) - common, "a score and no accuracy"),
        (len(accuracies.architectures) - common, "an accuracy and no score"),
    ]
    return [f"{number} architectures have {what}; left out" for number, what in alone if number]


def _gaps(targets: Sequence[Target]) -> list[str]:
    missing = [(target.name, int(np.isnan(target.values).sum())) for target in targets]
    return [f"target {name}: no value for {number} architectures" for name, number in missing if number]
