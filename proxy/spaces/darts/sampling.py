"""Draws DARTS genotypes, and moves from one to its neighbours. Torch-free.

There are two kinds. `pairs8` are the genotypes of the DARTS paper: four nodes a cell, each the sum of two operations
that read different states, all four concatenated. `pairs14` are those that the CRoZe authors search and publish: an
operation on each of the 14 edges of DARTS' continuous cell, written as pairs and therefore read as seven nodes, and a
concatenation of one to four of states 2 to 5, repetitions included.

Source of `pairs14`: the behaviour of sampling.py in the authors' repository HyeonjeongHa/CRoZe (commit 4db142e).
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

from proxy.spaces._base import Sampler
from proxy.spaces._sampling import pick, pick_other
from proxy.spaces.darts.genotype import INPUTS, CellGenotype, Genotype, Pair

#: Liu, Simonyan, Yang (ICLR 2019), section 3.1, without the zero operation, which is left out of genotypes there too.
OPERATIONS_8: Final = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
#: All that networks can be built of, but `none`.
OPERATIONS_14: Final = (*OPERATIONS_8, "sep_conv_7x7", "conv_7x1_1x7")
NODES_8: Final = 4
PAIRS_OF_A_NODE: Final = 2
#: Of all edges of DARTS' four nodes, in their order: node i reads states 0 to i + 1.
INPUTS_14: Final = tuple(source for node in range(NODES_8) for source in range(INPUTS + node))
#: What a concatenation of `pairs14` is drawn from, and how many it may have at most.
JOINED_14: Final = (2, 3, 4, 5)


def draw_8(rng: Random) -> Genotype:
    """Both cells, each drawn by itself."""
    return Genotype(draw_cell_8(rng), draw_cell_8(rng))


def move_8(genotype: Genotype, rng: Random) -> Genotype:
    """Another operation, or another input, of one pair of one cell: the mutations of Real et al. (AAAI 2019)."""
    if pick(rng, ("normal", "reduce")) == "normal":
        return replace(genotype, normal=move_cell_8(genotype.normal, rng))
    return replace(genotype, reduce=move_cell_8(genotype.reduce, rng))


def draw_cell_8(rng: Random) -> CellGenotype:
    """Four nodes; each adds up two operations on two different states, written in their order."""
    pairs: list[Pair] = []
    for node in range(NODES_8):
        states = range(INPUTS + node)
        first = pick(rng, states)
        for source in sorted((first, pick_other(rng, states, first))):
            pairs.append((pick(rng, OPERATIONS_8), source))
    return CellGenotype(tuple(pairs), tuple(range(INPUTS, INPUTS + NODES_8)))


def move_cell_8(cell: CellGenotype, rng: Random) -> CellGenotype:
    """Another operation or input of one pair, each in half of the moves. The first node has no other inputs."""
    position = pick(rng, range(len(cell.pairs)))
    operation, source = cell.pairs[position]
    taken = {source, cell.pairs[position ^ 1][1]}  # the two pairs of a node are neighbours
    others = [state for state in range(INPUTS + position // PAIRS_OF_A_NODE) if state not in taken]
    if others and pick(rng, ("operation", "input")) == "input":
        # In order of the inputs again, so that no cell is written in two ways.
        return _with_pair(cell, position, (operation, pick(rng, others))).in_order
    return _with_pair(cell, position, (pick_other(rng, OPERATIONS_8, operation), source))


def draw_14(rng: Random) -> Genotype:
    """An operation on each edge of both cells, and as many concatenated states in the one as in the other."""
    normal, reduce = (tuple((pick(rng, OPERATIONS_14), source) for source in INPUTS_14) for _ in range(2))
    width = _draw_width(rng)
    return Genotype(CellGenotype(normal, _draw_concat(rng, width)), CellGenotype(reduce, _draw_concat(rng, width)))


def move_14(genotype: Genotype, rng: Random) -> Genotype:
    """Another operation on one edge of each cell, and a new concatenation of the normal cell, of the reduction cell, or
    of none, each in a third of the moves."""
    normal, reduce = _with_another_operation(genotype.normal, rng), _with_another_operation(genotype.reduce, rng)
    width, joined_anew = _draw_width(rng), pick(rng, ("normal", "reduce", "none"))
    if joined_anew == "normal":
        normal = replace(normal, concat=_draw_concat(rng, width))
    elif joined_anew == "reduce":
        reduce = replace(reduce, concat=_draw_concat(rng, width))
    return Genotype(normal, reduce)


def _draw_width(rng: Random) -> int:
    return 1 + pick(rng, range(len(JOINED_14)))


def _draw_concat(rng: Random, width: int) -> tuple[int, ...]:
    return tuple(pick(rng, JOINED_14) for _ in range(width))


def _with_another_operation(cell: CellGenotype, rng: Random) -> CellGenotype:
    position = pick(rng, range(len(cell.pairs)))
    operation, source = cell.pairs[position]
    return _with_pair(cell, position, (pick_other(rng, OPERATIONS_14, operation), source))


def _with_pair(cell: CellGenotype, position: int, pair: Pair) -> CellGenotype:
    return replace(cell, pairs=(*cell.pairs[:position], pair, *cell.pairs[position + 1 :]))


SAMPLERS: Final = (
    Sampler(
        name="pairs8",
        summary="cells of DARTS: 8 pairs, all nodes concatenated; a move changes an operation or an input",
        draw=draw_8,
        move=move_8,
    ),
    Sampler(
        name="pairs14",
        summary="cells as CRoZe's authors search them: 14 pairs, read as seven nodes; a move changes an operation of "
        "each cell and perhaps a concatenation",
        draw=draw_14,
        move=move_14,
    ),
)
