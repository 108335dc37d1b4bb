"""The tables of docs/evidence.md that doubt the others: other halves, other targets, other draws of weights.

Each is a function without arguments that returns Markdown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.evidence.collect import DEAR
from benchmarks.evidence.tables import (
    CHOSEN_BY,
    HERE,
    ROBUST,
    SOME,
    Columns,
    Floats,
    all_cells,
    candidates,
    dear_cells,
    halves,
    interval,
    markdown,
    rho,
    rho_of_defined,
    shown,
)
from proxy.evaluation import log_rank, spearman_difference
from proxy.evaluation.ranks import mean_ranks
from proxy.evaluation.scores import read_scores

#: Random halves that the choice is made anew on.
SPLITS: Final = 100
Rows = npt.NDArray[np.bool_]


def robust_of(scores: Columns, rows: Rows) -> Floats:
    """The preset, its ranks taken among these rows."""
    return log_rank({name: scores[name][rows] for name in ROBUST.split("+")})


def sums(rows: Rows) -> Mapping[tuple[str, ...], Floats]:
    """Ranks of these rows by every candidate: single scores, and sums of log-ranks taken among them."""
    _, scores, _ = halves()
    logs = {name: log_rank({name: column[rows]}) for name, column in scores.items()}
    return {names: mean_ranks(np.sum([logs[name] for name in names], axis=0)) for names in candidates()}


def best_by(ranked: Mapping[tuple[str, ...], Floats], rows: Rows, targets: Sequence[str]) -> tuple[str, ...]:
    """The candidate with the highest mean rank correlation with these targets."""
    _, _, values = halves()
    wanted = np.stack([mean_ranks(values[name][rows]) for name in targets])
    merit = {names: float(np.corrcoef(column, wanted)[0, 1:].mean()) for names, column in ranked.items()}
    return max(merit, key=lambda names: (merit[names], names))


def other_targets() -> str:
    """Had one accuracy alone been the measure: what it would have chosen, and what that is worth on the other half."""
    chosen_on, scores, targets = halves()
    ranked, rest = sums(chosen_on), ~chosen_on
    held = sums(rest)
    rows = []
    for name, values in targets.items():
        best, truth = best_by(ranked, chosen_on, [name]), values[rest]
        single = best_by({names: held[names] for names in held if len(names) == 1}, rest, [name])
        rows.append(
            [
                name.replace("_", " "),
                f"`{'+'.join(best)}`",
                shown(rho(held[best], truth)),
                shown(rho(robust_of(scores, rest), truth)),
                f"{rho(held[single], truth):.2f} (`{single[0]}`)",
            ]
        )
    return markdown(["measure", "best on the first half", "on the other", "`robust`", "best single score"], rows)


@cache
def choices() -> tuple[Counter[str], Mapping[str, list[float]]]:
    """(how often each candidate was the best of a random half, target -> by how much the preset was better than the
    best single score of the other half), over `SPLITS` splits."""
    _, scores, targets = halves()
    count = len(next(iter(scores.values())))
    chosen: Counter[str] = Counter()
    ahead: dict[str, list[float]] = {name: [] for name in CHOSEN_BY}
    for seed in range(1, 1 + SPLITS):
        first = np.random.default_rng(seed).permutation(count) < count // 2
        chosen["+".join(best_by(sums(first), first, CHOSEN_BY))] += 1
        robust = robust_of(scores, ~first)
        for name, margins in ahead.items():
            truth = targets[name][~first]
            margins.append(rho(robust, truth) - max(rho(column[~first], truth) for column in scores.values()))
    return chosen, ahead


def other_halves() -> str:
    """Which sums random halves choose, and how far ahead the preset is on the other."""
    chosen, ahead = choices()
    picked = ", ".join(f"`{name}` {times}" for name, times in chosen.most_common())
    margins = [f"{np.mean(each):.3f} ({min(each):.3f} to {max(each):.3f})" for each in ahead.values()]
    return markdown(
        [f"best of a half, of {SPLITS}", *(f"ahead, {name.replace('_', ' ')}" for name in ahead)], [[picked, *margins]]
    )


def dear_differences() -> str:
    """How much better the preset predicts than each dear score, paired, on cells of the other half that have it."""
    chosen_on, scores, targets = halves()
    evaluation = dear_cells()
    places = {each: row for row, each in enumerate(evaluation.architectures)}
    order = [places.get(each, -1) for each in defined_architectures()]
    columns = {name: np.append(evaluation.scores[name], np.nan)[order] for name in DEAR}
    rows = ~chosen_on & np.all([np.isfinite(column) for column in columns.values()], axis=0)
    robust = robust_of(scores, rows)
    cells = [
        [
            f"`{name}`",
            *(interval(spearman_difference(robust, column[rows], targets[each][rows], SOME)) for each in CHOSEN_BY),
        ]
        for name, column in columns.items()
    ]
    return markdown([f"better than ({int(rows.sum())} cells)", *(each.replace("_", " ") for each in CHOSEN_BY)], cells)


def defined_architectures() -> list[str]:
    """Those of `halves`, in its order."""
    evaluation = all_cells()
    columns = [column for name, column in evaluation.scores.items() if name != ROBUST]
    defined = np.all([np.isfinite(column) for column in columns], axis=0)
    return [each for each, is_defined in zip(evaluation.architectures, defined, strict=True) if is_defined]


def published() -> str:
    """Rank agreement of ours with published scores, and of ours with ours when weights are drawn anew."""
    theirs, again = (
        columns_by_architecture(f"nasbench201_{name}.csv") for name in ("published_scores", "another_draw")
    )
    ours: dict[str, Mapping[str, float]] = {}
    for evaluation in (dear_cells(), all_cells()):
        for name, column in evaluation.scores.items():
            ours[name] = dict(zip(evaluation.architectures, column.tolist(), strict=True))
    rows = [
        [
            f"`{name}`",
            *agreement(ours[name], column),
            *(agreement(ours[name], again[name]) if name in again else ["", ""]),
        ]
        for name, column in theirs.items()
    ]
    wide, theirs_wide = (columns_by_architecture(f"nasbench201_{name}64_images.csv") for name in ("", "published_"))
    rows += [[f"`{name}`, 64 images", *agreement(wide[name], column), "", ""] for name, column in theirs_wide.items()]
    rows.sort(key=lambda row: row[2], reverse=True)
    return markdown(["score", "cells", "ours with theirs", "cells", "ours with ours, drawn anew"], rows)


def columns_by_architecture(file: str) -> Mapping[str, Mapping[str, float]]:
    """Score -> architecture -> value."""
    read = read_scores([HERE / file])
    return {name: dict(zip(read.architectures, column.tolist(), strict=True)) for name, column in read.columns.items()}


def agreement(one: Mapping[str, float], other: Mapping[str, float]) -> list[str]:
    """How many cells have both, and Spearman's rho of them."""
    common = [each for each in one if each in other and np.isfinite(one[each] + other[each])]
    pair = (np.array([values[each] for each in common]) for values in (one, other))
    return [str(len(common)), f"{rho_of_defined(*pair):.3f}"]


def highest_with_ties_broken_by_chance(groups: Iterable[int]) -> float:
    """The rank correlation to be expected of two scores that agree on the order of groups of that many members, and
    within each group on nothing: 1 - sum(t^3 - t) / (n^3 - n)."""
    sizes = [*groups]
    n = sum(sizes)
    return 1 - sum(size**3 - size for size in sizes) / (n**3 - n)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    function.__name__: function for function in (other_targets, other_halves, dear_differences, published)
}
