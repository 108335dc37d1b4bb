"""How well each score predicts each target: all numbers of an evaluation. Torch-free.

    evaluate_columns({"croze": ..., "params": ...}, {"clean": ..., "fgsm": ...}, given={"params": ...})

All columns are arrays over the same rows, one row an architecture, NaN where there is no value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypedDict

import numpy as np

from proxy.evaluation.errors import InvalidRequest
from proxy.evaluation.ranks import Columns, Floats, Rows, codes_of, tied
from proxy.evaluation.resampling import UNDEFINED, Draws, Estimate, interval, resampled
from proxy.evaluation.selection import DEFAULT_TOPS, Top, size_of, top

DEFAULT_RESAMPLES: Final = 1_000
LEVEL: Final = 0.95
#: Rows that a correlation needs. With fewer it says nothing.
MIN_ROWS: Final = 3
MAX_RESAMPLES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is computed, and from which seed."""

    resamples: int = DEFAULT_RESAMPLES
    """0: no intervals."""
    seed: int = 0
    level: float = LEVEL
    """Of the intervals, 0..1."""
    tops: Sequence[str] = DEFAULT_TOPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One score against one target, on the rows that have both."""

    score: str
    target: str
    rows: int
    tied_scores: int
    """Rows that share their score with another row."""
    tied_targets: int
    spearman: Estimate = UNDEFINED
    """Spearman's rho: the correlation of the ranks, ties sharing the mean of theirs. -1..1."""
    kendall: Estimate = UNDEFINED
    """Kendall's tau-b. -1..1."""
    partial: Estimate = UNDEFINED
    """Spearman's rho of what is left of both ranks once the given columns are held fixed (`ranks.held_fixed`)."""
    partial_rows: int = 0
    """Rows that have the given columns too."""
    tops: tuple[Top, ...] = field(default=())


def evaluate_columns(
    scores: Columns,
    targets: Columns,
    given: Columns | None = None,
    options: Options | None = None,
    advance: Callable[[float], None] = lambda _share: None,
) -> list[Pair]:
    """Every score against every target: targets in the order given, within them scores in the order given.

    Higher has to be better in every score and every target.

    Args:
        given: columns to hold fixed in the partial correlation.
        advance: is told which share of all work (0..1) has been done since it was last called.

    Raises:
        InvalidRequest: columns of different lengths, or an option out of range.
    """
    given, options = given or {}, options or Options()
    _check(scores, targets, given, options)
    found: dict[tuple[str, str], Pair] = {}
    for score_rows, score_names in _by_rows(scores):
        for target_rows, target_names in _by_rows(targets):
            rows = score_rows & target_rows
            share = len(score_names) * len(target_names) / (len(scores) * len(targets))
            block = _Block(
                {name: scores[name][rows] for name in score_names},
                {name: targets[name][rows] for name in target_names},
                {name: column[rows] for name, column in given.items()},
                options,
            )
            for pair in block.pairs(lambda part, share=share: advance(part * share)):  # type: ignore[misc]
                found[pair.score, pair.target] = pair
    return [found[score, target] for target in targets for score in scores]


def spearman_difference(first: Floats, second: Floats, target: Floats, options: Options | None = None) -> Estimate:
    """How much better `first` predicts `target` than `second` does: the difference of their rho, with its interval.

    Both are worked out on the rows that have all three, and on the same resamples of them.
    """
    options = options or Options()
    rows = np.isfinite(first) & np.isfinite(second) & np.isfinite(target)
    if rows.sum() < MIN_ROWS:
        return UNDEFINED
    draws = resampled(
        [first[rows], second[rows]],
        [target[rows]],
        [],
        resamples=options.resamples,
        kendall=False,
        seed=options.seed,
    )
    return interval(draws.spearman[:, 0, 0] - draws.spearman[:, 1, 0], options.level)


@dataclass(frozen=True, slots=True)
class _Block:
    """Columns whose values are in the same rows, cut to these rows. Only the given ones may still lack some."""

    scores: Columns
    targets: Columns
    given: Columns
    options: Options

    def pairs(self, advance: Callable[[float], None]) -> Iterator[Pair]:
        """Every score with every target."""
        rows = len(next(iter(self.scores.values())))
        if rows < MIN_ROWS:
            advance(1.0)
            for score, target, _, _ in self._numbered():
                yield Pair(score=score, target=target, rows=rows, **self._of_rows(score, target, rows))
            return
        have_given = np.ones(rows, dtype=bool)
        for column in self.given.values():
            have_given &= np.isfinite(column)
        together = bool(have_given.all())
        draws = self._resampled(self.given if together else {}, None, advance)
        assert draws is not None, "there are enough rows"
        partial = draws if together else self._resampled(self.given, have_given, lambda _share: None)
        for score, target, i, j in self._numbered():
            yield Pair(
                score=score,
                target=target,
                rows=rows,
                spearman=draws.estimate("spearman", i, j, self.options.level),
                kendall=draws.estimate("kendall", i, j, self.options.level),
                partial=partial.estimate("partial", i, j, self.options.level) if partial else UNDEFINED,
                partial_rows=int(have_given.sum()) if self.given else 0,
                **self._of_rows(score, target, rows),
            )

    def _numbered(self) -> Iterator[tuple[str, str, int, int]]:
        return ((s, t, i, j) for i, s in enumerate(self.scores) for j, t in enumerate(self.targets))

    def _of_rows(self, score: str, target: str, rows: int) -> _OfRows:
        """What is not resampled."""
        scores, targets = self.scores[score], self.targets[target]
        sizes = [(name, size_of(name, rows)) for name in self.options.tops]
        return {
            "tied_scores": tied(codes_of(scores)),
            "tied_targets": tied(codes_of(targets)),
            "tops": tuple(top(name, k, scores, targets) for name, k in sizes if k is not None),
        }

    def _resampled(self, given: Columns, only: Rows | None, advance: Callable[[float], None]) -> Draws | None:
        """On the rows `only`, if some are named; Kendall's tau is then not of interest."""
        keep = np.ones(len(next(iter(self.scores.values()))), dtype=bool) if only is None else only
        if keep.sum() < MIN_ROWS:
            return None
        return resampled(
            *([column[keep] for column in side.values()] for side in (self.scores, self.targets, given)),
            resamples=self.options.resamples,
            kendall=only is None,
            seed=self.options.seed,
            advance=advance,
        )


class _OfRows(TypedDict):
    tied_scores: int
    tied_targets: int
    tops: tuple[Top, ...]


def _by_rows(columns: Columns) -> list[tuple[Rows, list[str]]]:
    """Columns by the rows in which they have values: mostly, all have them in the same rows."""
    groups: dict[bytes, tuple[Rows, list[str]]] = {}
    for name, column in columns.items():
        rows = np.isfinite(column)
        groups.setdefault(rows.tobytes(), (rows, []))[1].append(name)
    return list(groups.values())


def _check(scores: Columns, targets: Columns, given: Columns, options: Options) -> None:
    if not scores or not targets:
        raise InvalidRequest(f"nothing to evaluate: there is no {'target' if scores else 'score'}")
    lengths = {len(column) for side in (scores, targets, given) for column in side.values()}
    if len(lengths) > 1:
        raise InvalidRequest(
            f"the columns have different lengths ({sorted(lengths)}); a row is one architecture in all"
        )
    if not 0 <= options.resamples <= MAX_RESAMPLES:
        raise InvalidRequest(f"{options.resamples} resamples are out of range; allowed: 0 to {MAX_RESAMPLES}")
    if not 0.5 <= options.level < 1:
        raise InvalidRequest(f"level {options.level} is out of range; allowed: 0.5 up to, but not, 1")
    for name in options.tops:
        size_of(name, 1)
