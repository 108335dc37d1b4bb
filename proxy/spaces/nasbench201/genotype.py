"""A NAS-Bench-201 cell: four nodes, six edges, one of five operations on each.

Source: Dong, Yang: NAS-Bench-201 (ICLR 2020), arXiv:2001.00326.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

EdgePosition: TypeAlias = tuple[int, int]
"""(target node, source node)."""

#: In the benchmark's official order, on which the official index rests.
OPERATIONS: Final = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
#: Those with a weight and, without batch norm, a bias.
CONVOLUTIONS: Final = ("nor_conv_1x1", "nor_conv_3x3")
#: In the order in which the official string writes them.
EDGES: Final[tuple[EdgePosition, ...]] = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
INPUT: Final = 0
OUTPUT: Final = 3


@dataclass(frozen=True)
class Cell:
    """One of the 15,625 members of the space."""

    operations: tuple[str, ...]
    """The operation on each edge of `EDGES`."""

    def __post_init__(self) -> None:
        assert len(self.operations) == len(EDGES), self.operations
        assert all(operation in OPERATIONS for operation in self.operations), self.operations

    @cached_property
    def canonical(self) -> str:
        """The official string, e.g. `|none~0|+|none~0|none~1|+|none~0|none~1|none~2|`."""
        a, b, c, d, e, f = self.operations
        return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"

    @cached_property
    def live_edges(self) -> tuple[EdgePosition, ...]:
        """The edges, in `EDGES` order, whose result can reach the output.

        This is about what an edge emits, not what it receives: a convolution on a node of zeros still
        emits its bias, so an edge may be live in a cell that is not `connected`.
        """
        live: set[EdgePosition] = set()
        reaching = {OUTPUT}
        # Backwards: all edges out of a node come after all edges into it.
        for (target, source), operation in zip(reversed(EDGES), reversed(self.operations), strict=True):
            if operation != "none" and target in reaching:
                live.add((target, source))
                reaching.add(source)
        return tuple(edge for edge in EDGES if edge in live)

    @cached_property
    def effective(self) -> Cell:
        """The cell with `none` on every edge that adds nothing to its output: what cannot reach it, and what carries
        zeros there. A convolution of zeros carries its bias. Without batch norm, both have the same network."""
        live, valued = frozenset(self.live_edges), {INPUT}
        operations = []
        for edge, operation in zip(EDGES, self.operations, strict=True):
            target, source = edge
            adds = edge in live and (source in valued or operation in CONVOLUTIONS)
            if adds:
                valued.add(target)
            operations.append(operation if adds else "none")
        return Cell(tuple(operations))

    @cached_property
    def connected(self) -> bool:
        """Whether what enters the cell can reach its output."""
        return any(source == INPUT for _, source in self.live_edges)

    @cached_property
    def fed_edges(self) -> tuple[EdgePosition, ...]:
        """The live edges, in `EDGES` order, that carry something of what enters the cell."""
        fed = {INPUT}
        # Forwards: all edges into a node come before all edges out of it.
        for (target, source), operation in zip(EDGES, self.operations, strict=True):
            if operation != "none" and source in fed:
                fed.add(target)
        return tuple(edge for edge in self.live_edges if edge[1] in fed)
