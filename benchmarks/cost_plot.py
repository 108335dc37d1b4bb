"""Draws what `benchmarks.cost_by_size` measured. Needs matplotlib: the dependency group `bench`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from benchmarks.cost_by_size import Cost, Sweep

#: Sweep -> (label of its axis, title, whether seconds are of one piece).
PANELS: Final[dict[Sweep, tuple[str, str, bool]]] = {
    "batch": ("images in the batch", "One score, 16 channels", False),
    "channels": ("channels", "One score, 8 images", False),
    "job": ("architectures in the job", "A whole job, per architecture", True),
}
STYLES: Final = {"float64": ("C0", "s"), "float32": ("C1", "o")}


def draw(path: Path, costs: Sequence[Cost]) -> None:
    """One panel a sweep, both axes logarithmic."""
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    axes = figure.subplots(1, len(PANELS))
    for axis, (sweep, (label, title, each)) in zip(axes, PANELS.items(), strict=True):
        for precision, (color, marker) in STYLES.items():
            chosen = [cost for cost in costs if (cost.sweep, cost.precision) == (sweep, precision)]
            values = [cost.seconds_each if each else cost.seconds for cost in chosen]
            axis.plot([cost.size for cost in chosen], values, color=color, marker=marker, label=precision)
        ticks = sorted({cost.size for cost in costs if cost.sweep == sweep})
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.set(xlabel=label, title=title, ylabel="seconds")
        axis.grid(visible=True, which="both", alpha=0.25)
    axes[0].legend()
    figure.savefig(path, dpi=110)
    sys.stdout.write(f"written: {path}\n")
