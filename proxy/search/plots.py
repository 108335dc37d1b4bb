"""Pictures of a search, as PNG and SVG: the best cell, the values of all trials, the front.

Needs matplotlib. Torch-free.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.pictures import BLUE, GREY, STYLE, VERMILION, as_it_is, save
from proxy.search.cell_plot import STEP, draw_cell, height_of
from proxy.search.objectives import COSTS, Objective
from proxy.search.search import Search, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL, VALUES, FRONT = "best_cell", "values", "front"
_DRAWN, _MOVED, _BEST = GREY, BLUE, VERMILION
_MILLION: Final = 1e6


def draw(search: Search, folder: Path) -> list[Path]:
    """Write all pictures into an existing folder, each as NAME.png and NAME.svg.

    Args:
        search: with at least one trial that has values.

    Returns:
        The path of each PNG.

    Raises:
        OSError: a file cannot be written.
    """
    from matplotlib import rc_context

    best = search.best
    assert best is not None, "there is something to draw"
    with rc_context(STYLE):
        written = [save(_cells(search, best), folder / CELL), save(_values(search, best), folder / VALUES)]
        if len(search.plan.objectives) > 1:
            written.append(save(_front(search), folder / FRONT))
    return written


def _cells(search: Search, best: Trial) -> Figure:
    """The cells of the best architecture, one above the other."""
    from matplotlib.figure import Figure

    graphs = search.plan.space.graph(best.proposal.architecture)
    heights = [height_of(graph) for graph in graphs]
    width = STEP * max(len(graph.nodes) for graph in graphs)
    figure = Figure(figsize=(max(width, 4.2), STEP * sum(heights) + 0.3 * len(graphs) + 0.5), layout="constrained")
    panels = figure.subplots(len(graphs), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, graph in zip(panels, graphs, strict=True):
        draw_cell(panel, graph)
    figure.suptitle(_caption(search, best), x=0.01, ha="left", fontsize=9)
    return figure


def _caption(search: Search, trial: Trial) -> str:
    """Which trial, what of what, and how large."""
    scored = [each for each in search.trials if each.values is not None]
    place = next(position for position, each in enumerate(scored) if each == trial)
    parts = []
    for objective in search.plan.objectives:
        if objective.name not in COSTS:
            parts.append(f"{as_it_is(objective.name)} {_column(objective, scored)[place]:.5g}")
    counts = trial.proposal.counts
    parts += [f"{counts.params / _MILLION:.2f} M parameters", f"{counts.macs / _MILLION:.1f} M MACs"]
    return f"{search.plan.space.title}, trial {trial.proposal.number}\n" + ", ".join(parts)


def _values(search: Search, best: Trial) -> Figure:
    """Values by trial, a panel an objective, with the best so far as a line."""
    from matplotlib.figure import Figure

    objectives = search.plan.objectives
    scored = [trial for trial in search.trials if trial.values is not None]
    figure = Figure(figsize=(7.2, 0.5 + 2.5 * len(objectives)), layout="constrained")
    panels = figure.subplots(len(objectives), 1, squeeze=False, sharex=True)[:, 0]
    label = f"best by {as_it_is(objectives[0].name)}" if len(objectives) > 1 else "the best found"
    for panel, objective in zip(panels, objectives, strict=True):
        values = _column(objective, scored)
        _cloud(panel, scored, [trial.proposal.number for trial in scored], values)
        _line_of_best(panel, objective, scored, values)
        _mark(panel, best.proposal.number, values[scored.index(best)], label)
        panel.set_ylabel(_label(objective))
        panel.grid(visible=True, color="#E5E5E5", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.set_xlim(-0.01 * len(search.trials) - 0.5, 1.01 * len(search.trials))
    _mark_failures(panels[-1], search)
    panels[-1].set_xlabel("trial")
    strategy, space = search.plan.strategy.name, search.plan.space.title
    panels[0].set_title(f"{space}, {strategy}, seed {search.plan.seed}", fontweight="bold")
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), frameon=False)
    return figure


def _cloud(panel: Axes, scored: Sequence[Trial], x: Sequence[float], y: Sequence[float]) -> None:
    for label, color, drawn in (("drawn", _DRAWN, True), ("moved from another", _MOVED, False)):
        rows = [place for place, trial in enumerate(scored) if (trial.proposal.parent is None) == drawn]
        if rows:
            panel.plot(
                [x[row] for row in rows], [y[row] for row in rows], linestyle="none", marker="o", markersize=3.2,
                alpha=0.6, color=color, markeredgewidth=0, label=label,
            )  # fmt: skip


def _line_of_best(panel: Axes, objective: Objective, scored: Sequence[Trial], values: Sequence[float]) -> None:
    best: list[float] = []
    for value in values:
        best.append(value if not best or objective.sign * value > objective.sign * best[-1] else best[-1])
    numbers = [trial.proposal.number for trial in scored]
    panel.step(numbers, best, where="post", color=_BEST, linewidth=1.2, label="best so far")


def _mark(panel: Axes, x: float, y: float, label: str) -> None:
    panel.plot(
        [x], [y], linestyle="none", marker="o", markersize=8, markerfacecolor="none", markeredgecolor=_BEST,
        markeredgewidth=1.4, label=label,
    )  # fmt: skip


def _mark_failures(panel: Axes, search: Search) -> None:
    """Ticks on the lower edge for trials that have no score."""
    failed = [trial.proposal.number for trial in search.trials if trial.values is None]
    if failed:
        panel.plot(
            failed, [0.0] * len(failed), transform=panel.get_xaxis_transform(), linestyle="none", marker="x",
            markersize=4, color="black", clip_on=False, label="failed",
        )  # fmt: skip


def _front(search: Search) -> Figure:
    """The first two objectives of all trials, and of those that no other dominates."""
    from matplotlib.figure import Figure

    first, second = search.plan.objectives[:2]
    scored = [trial for trial in search.trials if trial.values is not None]
    y, x = _column(first, scored), _column(second, scored)
    front = [scored.index(trial) for trial in search.front]
    front.sort(key=lambda place: (x[place], y[place]))
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    panel = figure.subplots()
    _cloud(panel, scored, x, y)
    several = len(search.plan.objectives) > 2
    panel.plot(
        [x[place] for place in front], [y[place] for place in front], color=_BEST, linewidth=0 if several else 1.2,
        drawstyle="steps-post" if second.sign < 0 < first.sign else "default", marker="o", markersize=5,
        markerfacecolor="white", markeredgecolor=_BEST, label=f"front: {len(front)} that no other surpasses",
    )  # fmt: skip
    panel.set_xlabel(_label(second))
    panel.set_ylabel(_label(first))
    panel.grid(visible=True, color="#E5E5E5", linewidth=0.6)
    panel.set_axisbelow(True)
    title = f"{search.plan.space.title}, {search.plan.strategy.name}, seed {search.plan.seed}"
    panel.set_title(title, fontweight="bold")
    panel.legend(frameon=False, loc="best", fontsize=8)
    return figure


def _column(objective: Objective, scored: Sequence[Trial]) -> list[float]:
    """The objective's value for each of the trials, all of which have values; counts in millions."""
    values = objective.values([trial.values for trial in scored if trial.values is not None])
    return [value / _MILLION for value in values] if objective.name in COSTS else values


def _label(objective: Objective) -> str:
    better = "more" if objective.sign > 0 else "less"
    unit = ", millions" if objective.name in COSTS else ""
    among = ", among all trials" if objective.aggregate is not None else ""
    return f"{as_it_is(objective.name)}{unit}{among}\n({better} is better)"
