"""NAS-Bench-201 cells as six integers. Two tools write them, each with its own order of edges and of operations.

    format         edges, as (target, source)             operations 0 to 4
    naslib_nb201   (1,0) (2,0) (3,0) (2,1) (3,1) (3,2)    skip_connect none nor_conv_3x3 nor_conv_1x1 avg_pool_3x3
    nb201_spec     (1,0) (2,0) (2,1) (3,0) (3,1) (3,2)    none skip_connect nor_conv_1x1 nor_conv_3x3 avg_pool_3x3

Nearly every such list is a cell in both, and another one in each: no value says which is meant.

Sources: NASLib, naslib/search_spaces/nasbench201/conversions.py; CRoZe, get_spec_from_arch_str.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxy.errors import shown
from proxy.json_types import JsonValue
from proxy.spaces._base import Format
from proxy.spaces._faults import Faults, invalid, is_integer, is_sequence
from proxy.spaces._literals import plain
from proxy.spaces.nasbench201.genotype import EDGES, OPERATIONS, Cell, EdgePosition

_NASLIB_EDGES: Final[tuple[EdgePosition, ...]] = ((1, 0), (2, 0), (3, 0), (2, 1), (3, 1), (3, 2))
_NASLIB_OPERATIONS: Final = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")


class IntegerForm:
    """A list of the numbers of the operations on six edges."""

    def __init__(self, edges: Sequence[EdgePosition], operations: Sequence[str], example: list[int]) -> None:
        assert sorted(edges) == sorted(EDGES), edges
        assert sorted(operations) == sorted(OPERATIONS), operations
        self._edges = edges
        self._operations = operations
        self._example = example

    def parse(self, value: object) -> Cell:
        """Read a list of six integers, or the text of one.

        Raises:
            InvalidArchitecture: with every fault.
        """
        numbers = plain(value)
        if not is_sequence(numbers) or len(numbers) != len(self._edges):
            problem = f"{shown(value)} is not a list of {len(self._edges)} integers"
            raise invalid(problem, f"write it like {self._example}")
        faults, found = Faults(), {}
        table = ", ".join(f"{number} {operation}" for number, operation in enumerate(self._operations))
        for position, (edge, number) in enumerate(zip(self._edges, numbers, strict=True)):
            if is_integer(number) and 0 <= number < len(self._operations):
                found[edge] = self._operations[number]
            else:
                at = f"[{position}], the edge from node {edge[1]} to {edge[0]}"
                faults.add(at, f"operation {shown(number)} does not exist", f"allowed: {table}")
        faults.check()
        return Cell(tuple(found[edge] for edge in EDGES))

    def write(self, cell: Cell) -> JsonValue:
        """The list of a cell."""
        on = dict(zip(EDGES, cell.operations, strict=True))
        return [self._operations.index(on[edge]) for edge in self._edges]


def _is_six(value: object) -> bool:
    numbers = plain(value)
    return is_sequence(numbers) and len(numbers) == len(EDGES) and all(map(is_integer, numbers))


def _format(name: str, summary: str, edges: Sequence[EdgePosition], table: Sequence[str], e: list[int]) -> Format[Cell]:
    form = IntegerForm(edges, table, e)
    return Format(name, summary, e, form.parse, recognises=lambda _: False, write=form.write, may_be=_is_six)


INTEGER_FORMATS: Final = (
    _format(
        "naslib_nb201",
        "NASLib's six integers: edges by source node, operations from skip_connect 0 to avg_pool_3x3 4.",
        _NASLIB_EDGES,
        _NASLIB_OPERATIONS,
        [4, 0, 3, 1, 4, 3],
    ),
    _format(
        "nb201_spec",
        "CRoZe's six integers: edges as in the official string, operations from none 0 to avg_pool_3x3 4.",
        EDGES,
        OPERATIONS,
        [4, 1, 0, 2, 4, 2],
    ),
)
