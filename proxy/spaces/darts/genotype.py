"""A DARTS genotype: a normal and a reduction cell, each a list of (operation, input) pairs.

Source: Liu, Simonyan, Yang: DARTS (ICLR 2019), arXiv:1806.09055.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

Pair: TypeAlias = tuple[str, int]
"""(operation, index of the state that it reads)."""

OPERATIONS: Final = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "conv_7x1_1x7",
)
#: States 0 and 1 are the outputs of the two cells before; computed nodes follow.
INPUTS: Final = 2


@dataclass(frozen=True)
class CellGenotype:
    """One cell: pairs 2i and 2i + 1 are added up to make state i + 2."""

    pairs: tuple[Pair, ...]
    """An even number, at least 2. Their order is the order in which weights are drawn."""
    concat: tuple[int, ...]
    """The computed states whose channels, in this order, are the cell's output; duplicates included."""

    def __post_init__(self) -> None:
        assert self.pairs, "a cell has at least one node"
        assert len(self.pairs) % 2 == 0, f"a node has two pairs, and {len(self.pairs)} is odd"
        assert self.concat, "a cell's output has at least one node"
        assert all(operation in OPERATIONS for operation, _ in self.pairs), self.pairs
        assert all(0 <= source < target for target, _, source in self.edges), self.pairs
        assert all(INPUTS <= state < INPUTS + self.nodes for state in self.concat), self.concat

    @property
    def nodes(self) -> int:
        """Number of computed nodes; they are the states 2 .. nodes + 1."""
        return len(self.pairs) // 2

    @cached_property
    def edges(self) -> tuple[tuple[int, str, int], ...]:
        """(target state, operation, source state) of each pair, in order."""
        return tuple(
            (INPUTS + position // 2, operation, source) for position, (operation, source) in enumerate(self.pairs)
        )

    @property
    def in_order(self) -> CellGenotype:
        """The cell with the two pairs of each node in order of their inputs: a sum has none."""
        nodes = (self.pairs[first : first + 2] for first in range(0, len(self.pairs), 2))
        ordered = (pair for node in nodes for pair in sorted(node, key=lambda pair: (pair[1], pair[0])))
        return CellGenotype(tuple(ordered), self.concat)

    @cached_property
    def live_states(self) -> frozenset[int]:
        """The states, inputs included, whose value can reach the cell's output: `none` cuts."""
        live = set(self.concat)
        # Backwards: a state is read by later nodes only.
        for target, operation, source in reversed(self.edges):
            if operation != "none" and target in live:
                live.add(source)
        return frozenset(live)

    @cached_property
    def live_pairs(self) -> tuple[bool, ...]:
        """For each pair, whether what it computes can reach the cell's output."""
        return tuple(operation != "none" and target in self.live_states for target, operation, _ in self.edges)

    @cached_property
    def live_inputs(self) -> tuple[bool, bool]:
        """Whether inputs 0 (from the cell before the last) and 1 (from the last) can reach the output."""
        return 0 in self.live_states, 1 in self.live_states


@dataclass(frozen=True)
class Genotype:
    """One member of the space."""

    normal: CellGenotype
    reduce: CellGenotype

    @cached_property
    def canonical(self) -> str:
        """Compact JSON with the keys normal, normal_concat, reduce, reduce_concat, in that order.

        The order of pairs is kept: swapping two changes the order in which weights are drawn.
        """
        return json.dumps(
            {
                "normal": self.normal.pairs,
                "normal_concat": self.normal.concat,
                "reduce": self.reduce.pairs,
                "reduce_concat": self.reduce.concat,
            },
            separators=(",", ":"),
        )

    @property
    def in_order(self) -> Genotype:
        """The genotype with both cells in order: the same function, its weights drawn in another order."""
        return Genotype(self.normal.in_order, self.reduce.in_order)

    def cell(self, index: int, layers: int) -> CellGenotype:
        """The cell at `index` of 0 .. layers - 1: reduction at one and two thirds of the depth."""
        return self.reduce if is_reduction(index, layers) else self.normal

    def live_cells(self, layers: int) -> tuple[bool, ...]:
        """For each cell of a network of that depth, whether its output can reach the classifier."""
        return self._reach(layers)[2:]

    def connected(self, layers: int) -> bool:
        """Whether the image can reach the classifier of a network of that depth."""
        return any(self._reach(layers)[:2])

    def _reach(self, layers: int) -> tuple[bool, ...]:
        """`live_cells` with the stem, as read by input 0 and by input 1 of the first cells, put in front."""
        # Cell i is position i + 2 and reads positions i and i + 1; positions 0 and 1 are both the stem.
        reach = [False] * (layers + 1) + [True]
        for index in reversed(range(layers)):
            if reach[index + 2]:
                first, second = self.cell(index, layers).live_inputs
                reach[index] |= first
                reach[index + 1] |= second
        return tuple(reach)


def is_reduction(index: int, layers: int) -> bool:
    """Whether the cell at `index` (0 .. layers - 1) halves the resolution and doubles the channels."""
    return index in (layers // 3, 2 * layers // 3)
