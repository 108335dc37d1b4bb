"""The official numbering of the benchmark's 15,625 cells, and their classes of equal function.

The benchmark's authors enumerated the cells and shuffled them once with a fixed seed; the same is done here, so that
no benchmark file is needed.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from random import Random
from typing import Final

from proxy.spaces.nasbench201.genotype import EDGES, OPERATIONS, OUTPUT, Cell

SIZE: Final = len(OPERATIONS) ** len(EDGES)
_SHUFFLE_SEED: Final = 88
_ZERO: Final = "#"


@cache
def official_cells() -> tuple[Cell, ...]:
    """All cells; the official index is the position. Takes about 50 ms the first time."""
    operations = list(product(OPERATIONS, repeat=len(EDGES)))
    # Python does not promise that shuffle() stays as it is: a test holds the digest of the whole list.
    Random(_SHUFFLE_SEED).shuffle(operations)  # noqa: S311 (not for security)
    return tuple(map(Cell, operations))


@cache
def official_index() -> dict[str, int]:
    """Canonical string -> official index."""
    return {cell.canonical: index for index, cell in enumerate(official_cells())}


@cache
def equivalence_classes() -> tuple[int, ...]:
    """For each official index, the smallest official index of a cell with the same `function_text`."""
    first: dict[str, int] = {}
    return tuple(first.setdefault(function_text(cell), index) for index, cell in enumerate(official_cells()))


def function_text(cell: Cell) -> str:
    """What the output node computes, written out so that isomorphic cells read the same.

    This is the benchmark's own criterion, by which it has 6,466 different cells: `skip_connect` is dropped and
    what comes of `none` alone becomes zero. It is not complete: a zero stays in a sum, and a sum that is skipped
    into another is not sorted anew. (A complete one would leave 4,930.) That also makes the classes depend on how
    the signs sort, so they must stay as they are.
    """
    nodes = ["0"]
    for target in range(1, OUTPUT + 1):
        terms = [
            _term(operation, nodes[source])
            for (into, source), operation in zip(EDGES, cell.operations, strict=True)
            if into == target
        ]
        nodes.append("+".join(sorted(terms)))
    return nodes[OUTPUT]


def _term(operation: str, value: str) -> str:
    if operation == "none" or value == _ZERO:
        return _ZERO
    return value if operation == "skip_connect" else f"({value})@{operation}"
