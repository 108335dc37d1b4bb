"""DARTS: a normal and a reduction cell of (operation, input) pairs, stacked. Torch-free."""

from __future__ import annotations

from typing import Final

from proxy.json_types import JsonObject
from proxy.spaces._base import CellGraph, Edge, Setting, Space
from proxy.spaces.darts.counts import counts, peak_numbers
from proxy.spaces.darts.formats import FORMATS
from proxy.spaces.darts.genotype import INPUTS, OPERATIONS, CellGenotype, Genotype
from proxy.spaces.darts.sampling import SAMPLERS

_DEFAULT_LAYERS: Final = 20
_OUTPUT: Final = "output"


def graph(genotype: Genotype) -> tuple[CellGraph, ...]:
    """The two cells. Nodes are named by state: 0 and 1 are inputs, 2 and up are computed."""
    return _cell_graph("normal", genotype.normal), _cell_graph("reduce", genotype.reduce)


def _cell_graph(name: str, cell: CellGenotype) -> CellGraph:
    pairs = tuple(
        Edge(str(source), str(target), operation, live)
        for (target, operation, source), live in zip(cell.edges, cell.live_pairs, strict=True)
    )
    joined = tuple(Edge(str(state), _OUTPUT, "concat", reaches_output=True) for state in cell.concat)
    states = tuple(str(state) for state in range(INPUTS + cell.nodes))
    return CellGraph(name, (*states, _OUTPUT), pairs + joined)


def facts(genotype: Genotype) -> JsonObject:
    """Whether the image reaches the classifier at the default depth, and the make-up of both cells."""
    return {
        "connected": genotype.connected(_DEFAULT_LAYERS),
        "normal": _cell_facts(genotype.normal),
        "reduce": _cell_facts(genotype.reduce),
    }


def _cell_facts(cell: CellGenotype) -> JsonObject:
    return {
        "pairs": len(cell.pairs),
        "live_pairs": sum(cell.live_pairs),
        "concat_width": len(cell.concat),
        "live_inputs": [state for state, live in enumerate(cell.live_inputs) if live],
    }


DARTS: Final = Space(
    name="darts",
    title="DARTS",
    paper="Liu, Simonyan, Yang: DARTS (ICLR 2019), arXiv:1806.09055",
    size="about 10^18 genotypes of 8 pairs per cell; any even number of pairs is read",
    operations=OPERATIONS,
    settings=(
        Setting("channels", 36, 1, 4_096, "channels of a node in the first third; doubled by each reduction"),
        Setting("layers", _DEFAULT_LAYERS, 1, 100, "cells in all, reductions included"),
        Setting("classes", None, 2, 100_000, "outputs of the classifier; the batch's unless given"),
    ),
    formats=FORMATS,
    canonical_format="darts_json",
    counts=counts,
    graph=graph,
    facts=facts,
    peak_numbers=peak_numbers,
    network="proxy.spaces.darts.model:build",
    isomorphism=lambda genotype: genotype.in_order.canonical,
    reordered=lambda genotype: genotype.in_order,
    samplers=SAMPLERS,
)
