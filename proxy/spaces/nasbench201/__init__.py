"""NAS-Bench-201: 15,625 cells of four nodes, each repeated in three stages. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proxy.json_types import JsonObject
from proxy.spaces._base import CellGraph, Edge, Setting, Space
from proxy.spaces.nasbench201.counts import counts, peak_numbers
from proxy.spaces.nasbench201.formats import FORMATS
from proxy.spaces.nasbench201.genotype import EDGES, INPUT, OPERATIONS, OUTPUT, Cell
from proxy.spaces.nasbench201.index import equivalence_classes, official_cells, official_index
from proxy.spaces.nasbench201.sampling import SAMPLERS


def graph(cell: Cell) -> tuple[CellGraph, ...]:
    """The cell's four nodes and six edges; node 0 is its input, node 3 its output."""
    live = set(cell.live_edges)
    edges = tuple(
        Edge(str(source), str(target), operation, (target, source) in live)
        for (target, source), operation in zip(EDGES, cell.operations, strict=True)
    )
    return (CellGraph("cell", tuple(str(node) for node in range(INPUT, OUTPUT + 1)), edges),)


def facts(cell: Cell) -> JsonObject:
    """Whether input reaches output, the official index, and the smallest index among isomorphic cells.

    `equivalence_class` does not make scores equal: isomorphic cells pick different candidate weights.
    """
    index = official_index()[cell.canonical]
    return {
        "connected": cell.connected,
        "nasbench201_index": index,
        "equivalence_class": equivalence_classes()[index],
    }


def enumerate_cells() -> Iterator[str]:
    """All cells in canonical form; the position is the official index."""
    return (cell.canonical for cell in official_cells())


NASBENCH201: Final = Space(
    name="nasbench201",
    title="NAS-Bench-201",
    paper="Dong, Yang: NAS-Bench-201 (ICLR 2020), arXiv:2001.00326",
    size="15,625 cells, of which 6,466 differ in function",
    operations=OPERATIONS,
    settings=(
        Setting("channels", 16, 1, 4_096, "channels of the first stage; doubled in the second and third"),
        Setting("cells", 5, 1, 100, "cells in each of the three stages"),
        Setting("classes", None, 2, 100_000, "outputs of the classifier; the batch's unless given"),
    ),
    formats=FORMATS,
    canonical_format="nb201_str",
    counts=counts,
    graph=graph,
    facts=facts,
    peak_numbers=peak_numbers,
    network="proxy.spaces.nasbench201.model:build",
    enumerate=enumerate_cells,
    effective=lambda cell: cell.effective.canonical,
    isomorphism=lambda cell: str(equivalence_classes()[official_index()[cell.canonical]]),
    samplers=SAMPLERS,
)
