"""Draws NAS-Bench-201 cells, and moves from one to its neighbours. Torch-free."""

from __future__ import annotations

from random import Random
from typing import Final

from proxy.spaces._base import Sampler
from proxy.spaces._sampling import pick, pick_other
from proxy.spaces.nasbench201.genotype import EDGES, OPERATIONS, Cell
from proxy.spaces.nasbench201.index import official_cells


def draw(rng: Random) -> Cell:
    """Any of the 15,625 cells, each as likely as every other."""
    return Cell(tuple(pick(rng, OPERATIONS) for _ in EDGES))


def move(cell: Cell, rng: Random) -> Cell:
    """One of the 24 cells that have another operation on one edge: the mutation of Dong and Yang (ICLR 2020)."""
    operations = list(cell.operations)
    edge = pick(rng, range(len(EDGES)))
    operations[edge] = pick_other(rng, OPERATIONS, operations[edge])
    return Cell(tuple(operations))


SAMPLERS: Final = (
    Sampler(
        name="cells",
        summary="all cells; a move changes the operation of one edge",
        draw=draw,
        move=move,
        everything=official_cells,
    ),
)
