"""Draws cells as graphs: states in a row, operations as arcs above, concatenations below.

Needs matplotlib. Torch-free.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from proxy.pictures import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION
from proxy.spaces._base import CellGraph, Edge

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: By how the name of an operation begins; what fits none is plain ink.
_COLORS: Final = (
    ("sep_conv", BLUE),
    ("dil_conv", GREEN),
    ("nor_conv", BLUE),
    ("conv", PURPLE),
    ("max_pool", VERMILION),
    ("avg_pool", ORANGE),
    ("skip", GREY),
)
_JOIN: Final = "concat"
_NOTHING: Final = "none"
#: Inches between two states, and of one unit of height.
STEP: Final = 1.15
_NODE_RADIUS: Final = 0.17
#: How much higher the next arc between the same states is.
_AGAIN: Final = 0.3


def height_of(graph: CellGraph) -> float:
    """How high the picture of a cell is, in units of a step."""
    low, high = _limits(graph)
    return high - low


def _limits(graph: CellGraph) -> tuple[float, float]:
    apexes = [_apex(graph, edge) for edge in graph.edges if edge.operation not in (_JOIN, _NOTHING)]
    joins = any(edge.operation == _JOIN for edge in graph.edges)
    # Above, room for a label, and for the second of two edges between the same states.
    return (-0.75 if joins else -0.3), max(apexes, default=0.0) + _AGAIN


def draw_cell(panel: Axes, graph: CellGraph) -> None:
    """One cell. What cannot reach the output is dotted; `none` is left out."""
    place = {node: float(position) for position, node in enumerate(graph.nodes)}
    drawn: Counter[tuple[str, str]] = Counter()
    for edge in graph.edges:
        if edge.operation == _JOIN:
            _join(panel, place[edge.source], place[edge.target])
        elif edge.operation != _NOTHING:
            repeated = drawn[edge.source, edge.target]
            drawn[edge.source, edge.target] += 1
            _arc(panel, edge, place, _apex(graph, edge) + _AGAIN * repeated)
    for node, x in place.items():
        _node(panel, graph, node, x)
    panel.set_xlim(-0.4, len(graph.nodes) - 0.6)
    panel.set_ylim(*_limits(graph))
    panel.set_aspect("equal")
    panel.set_axis_off()
    panel.set_title(graph.name, fontweight="bold")


def _apex(graph: CellGraph, edge: Edge) -> float:
    """How high an operation's arc rises: the wider the higher, so that none hides another."""
    span = graph.nodes.index(edge.target) - graph.nodes.index(edge.source)
    return 0.36 * span + 0.05


def _arc(panel: Axes, edge: Edge, place: dict[str, float], apex: float) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    start, end = place[edge.source], place[edge.target]
    # Narrow arcs are inside of wide ones, and so are their ends.
    aside = 0.13 - min(0.075 * (end - start - 1), 0.26)
    x, y = (start + aside, end - aside), math.sqrt(_NODE_RADIUS**2 - aside**2) + 0.015
    color = _color(edge.operation) if edge.reaches_output else "#BBBBBB"
    top = apex / 0.75  # where the handles of a cubic curve of that height are
    curve = Path(
        [(x[0], y), (x[0] + 0.12, top), (x[1] - 0.12, top), (x[1], y)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    panel.add_patch(
        FancyArrowPatch(
            path=curve, arrowstyle="-|>", mutation_scale=9, color=color, linewidth=1.4, fill=False,
            linestyle="-" if edge.reaches_output else ":", zorder=1,
        )
    )  # fmt: skip
    panel.text(
        (start + end) / 2, apex + 0.05, edge.operation, ha="center", va="center", fontsize=7.2, color=color, zorder=3,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def _join(panel: Axes, start: float, end: float) -> None:
    from matplotlib.patches import FancyArrowPatch

    ends = (start, -_NODE_RADIUS), (end - 0.05, -_NODE_RADIUS)
    panel.add_patch(
        FancyArrowPatch(
            *ends, connectionstyle=f"bar,fraction={0.42 / (end - start):.3f}",
            arrowstyle="-|>", mutation_scale=8, color="#999999", linewidth=0.9, zorder=0,
        )
    )  # fmt: skip


def _node(panel: Axes, graph: CellGraph, node: str, x: float) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    fed = any(edge.target == node for edge in graph.edges)
    face = "#E8E8E8" if fed else "#CFE3F3"
    if node.isdigit():
        panel.add_patch(Circle((x, 0), _NODE_RADIUS, facecolor=face, edgecolor=INK, linewidth=1, zorder=2))
    else:
        panel.add_patch(
            FancyBboxPatch(
                (x - 0.26, -0.13), 0.52, 0.26, boxstyle="round,pad=0.03", facecolor=face, edgecolor=INK, linewidth=1,
                zorder=2,
            )
        )  # fmt: skip
    panel.text(x, 0, node, ha="center", va="center", fontsize=8, zorder=4)


def _color(operation: str) -> str:
    return next((color for start, color in _COLORS if operation.startswith(start)), INK)
