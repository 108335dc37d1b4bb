"""Pictures of an evaluation, as PNG and SVG. Needs matplotlib (the extra `evaluate`), imported on use. Torch-free.

The same evaluation gives the same picture. Colours are those of Okabe and Ito, told apart by colour-blind people too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from proxy.evaluation.evaluation import Evaluation
from proxy.evaluation.pairs import Pair
from proxy.evaluation.ranks import mean_ranks
from proxy.evaluation.report import shown_estimate
from proxy.evaluation.scores import COUNTS
from proxy.pictures import BLUE, GREY, INK, STYLE, VERMILION, as_it_is, can_draw, save

__all__ = ["can_draw", "draw"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

_SINGLE, _AGGREGATE, _COUNT = BLUE, VERMILION, GREY
_LEGEND: Final = (("score", _SINGLE), ("aggregate of ranks", _AGGREGATE), ("size of the network", _COUNT))
#: Panels side by side.
_BARS_ACROSS: Final = 4
_CLOUDS_ACROSS: Final = 5


def draw(evaluation: Evaluation, folder: Path) -> list[tuple[str, Path]]:
    """Write all pictures into an existing folder, each as NAME.png and NAME.svg.

    Returns:
        (title, path of the PNG) of each.

    Raises:
        OSError: a file cannot be written.
    """
    from matplotlib import rc_context

    written: list[tuple[str, Path]] = []
    names = _file_names([target.name for target in evaluation.targets])
    with rc_context(STYLE):
        written.append(("Rank correlation by target", save(_bars(evaluation), folder / "correlations")))
        for target, name in names.items():
            title = f"Scores and {target}"
            written.append((title, save(_clouds(evaluation, target), folder / f"scatter_{name}")))
    return written


def _file_names(targets: Sequence[str]) -> dict[str, str]:
    """Target -> a name that any file system takes, none twice."""
    names: dict[str, str] = {}
    for target in targets:
        name = first = re.sub(r"[^A-Za-z0-9.]+", "_", target).strip("_.")[:60] or "target"
        taken, number = {each.lower() for each in names.values()}, 1
        while name.lower() in taken:
            number += 1
            name = f"{first}_{number}"
        names[target] = name
    return names


def _bars(evaluation: Evaluation) -> Figure:
    """Spearman's rho with its interval, a panel a target, the best on top."""
    targets = [target.name for target in evaluation.targets]
    bars = len(evaluation.scores)
    figure, panels = _grid(len(targets), _BARS_ACROSS, width=3.3, height=0.75 + 0.23 * bars)
    lows = [x for pair in evaluation.pairs for x in (pair.spearman.value, pair.spearman.low) if x is not None]
    left = min(0.0, math.floor(min(lows, default=0.0) * 10) / 10)
    for panel, target in zip(panels, targets, strict=True):
        pairs = evaluation.of_target(target)[::-1]
        for position, pair in enumerate(pairs):
            _bar(panel, position, pair, _color(evaluation, pair.score))
        panel.set_yticks(range(len(pairs)), [as_it_is(pair.score) for pair in pairs])
        panel.tick_params(axis="y", length=0)
        panel.set_xlim(left, 1.18)
        panel.set_xticks([tick / 4 for tick in range(math.ceil(left * 4), 5)])
        panel.set_ylim(-0.6, bars - 0.4)
        panel.grid(visible=True, axis="x", color="#DDDDDD", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.axvline(0, color="#999999", linewidth=0.8)
        panel.set_title(as_it_is(target), fontweight="bold")
        if _nothing_below(panel, len(targets)):
            panel.set_xlabel("Spearman's rho")
    shown = {_color(evaluation, name) for name in evaluation.scores}
    _legend(figure, [(label, color) for label, color in _LEGEND if color in shown])
    return figure


def _bar(panel: Axes, position: int, pair: Pair, color: str) -> None:
    value, low, high = pair.spearman.value, pair.spearman.low, pair.spearman.high
    if value is None:
        panel.text(0.02, position, "not defined", va="center", fontsize=7.5, color=_COUNT)
        return
    panel.barh(position, value, height=0.66, color=color, alpha=0.85)
    if low is not None and high is not None:
        panel.plot([low, high], [position, position], color=INK, linewidth=1.3, solid_capstyle="butt")
    end = max(value, high or value, 0.0)
    panel.text(end + 0.025, position, f"{value:.2f}".replace("-0.00", "0.00"), va="center", fontsize=7.5)


def _clouds(evaluation: Evaluation, target: str) -> Figure:
    """Accuracy against the place by score, a panel a score, the best correlated first."""
    pairs = evaluation.of_target(target)
    accuracies = next(each.values for each in evaluation.targets if each.name == target)
    figure, panels = _grid(len(pairs), _CLOUDS_ACROSS, width=2.5, height=2.35, sharey=True)
    for panel, pair in zip(panels, pairs, strict=True):
        score = evaluation.scores[pair.score]
        rows = np.isfinite(score) & np.isfinite(accuracies)
        if rows.any():
            place = 100 * (mean_ranks(score[rows]) - 0.5) / rows.sum()
            size, alpha = (1.6, 0.3) if rows.sum() > 1_000 else (3.5, 0.5)
            # One marker drawn many times: ten times faster than scatter(), which allows for markers that differ.
            panel.plot(
                place, accuracies[rows], linestyle="none", marker="o", markersize=size, alpha=alpha,
                color=_color(evaluation, pair.score), markeredgewidth=0, rasterized=True,
            )  # fmt: skip
        panel.set_xlim(-2, 102)
        panel.set_xticks([0, 50, 100])
        panel.grid(visible=True, color="#E5E5E5", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.set_title(f"{as_it_is(pair.score)}\n$\\rho$ = {shown_estimate(pair.spearman)}")
        if _nothing_below(panel, len(pairs)):
            panel.set_xlabel("percentile by score")
        if _place(panel).is_first_col():
            panel.set_ylabel(f"{as_it_is(target)}, %")
    return figure


def _grid(count: int, across: int, *, width: float, height: float, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, in rows of at most `across`."""
    from matplotlib.figure import Figure

    rows = math.ceil(count / across)
    columns = math.ceil(count / rows)
    figure = Figure(figsize=(width * columns + 0.3, height * rows + 0.45), layout="constrained")
    axes: list[Axes] = list(figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat)
    for spare in axes[count:]:
        spare.set_axis_off()
    return figure, axes[:count]


def _place(panel: Axes) -> SubplotSpec:
    place: SubplotSpec | None = panel.get_subplotspec()
    assert place is not None, "the panel is one of a grid"
    return place


def _nothing_below(panel: Axes, count: int) -> bool:
    """Whether it is the lowest of its column, in a grid of so many panels."""
    place = _place(panel)
    return bool(place.num1 + place.get_gridspec().ncols >= count)


def _legend(figure: Figure, entries: Sequence[tuple[str, str]]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=color, alpha=0.85, label=label) for label, color in entries]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False)


def _color(evaluation: Evaluation, name: str) -> str:
    if name in evaluation.aggregates:
        return _AGGREGATE
    return _COUNT if name in (*COUNTS, "flops") else _SINGLE
