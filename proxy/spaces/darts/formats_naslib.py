"""NASLib's compact form of DARTS genotypes: two lists of eight (input, operation number) pairs.

    format                     operations
    naslib_darts_compact       from max_pool_3x3 0 to dil_conv_5x5 6
    naslib_darts_compact_old   none 0, then the same one higher: NASLib before its pull request 54

No value says which of the two it is. Every cell's output are all four nodes.

Source: NASLib, naslib/search_spaces/nasbench301/conversions.py.
"""

from __future__ import annotations

from typing import Final

from proxy.errors import shown
from proxy.json_types import JsonValue
from proxy.spaces._base import Format
from proxy.spaces._faults import Faults, invalid, is_integer, is_sequence
from proxy.spaces._literals import plain
from proxy.spaces.darts._losses import all_nodes, cells, check_fits
from proxy.spaces.darts.genotype import INPUTS, CellGenotype, Genotype, Pair

#: NAS-Bench-301 has these, and no `none`.
OPERATIONS_301: Final = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NODES: Final = 4
_PAIRS: Final = 2 * NODES
_NORMAL: Final = ((0, 3), (1, 3), (0, 3), (1, 3), (1, 3), (0, 2), (0, 2), (2, 5))
_REDUCE: Final = ((0, 0), (1, 0), (2, 2), (1, 0), (0, 0), (2, 2), (2, 2), (1, 0))


class CompactForm:
    """Pairs of an input and the number of an operation."""

    def __init__(self, name: str, operations: tuple[str, ...]) -> None:
        self.name = name
        self._operations = operations

    def parse(self, value: object) -> Genotype:
        """Read two lists of eight pairs, or the text of them.

        Raises:
            InvalidArchitecture: with every fault.
        """
        lists = plain(value)
        if not is_sequence(lists) or len(lists) != 2:
            raise invalid(
                f"{shown(value)} is not a list of two cells", "write ((pair, ...), (pair, ...)), 8 pairs each"
            )
        faults = Faults()
        normal, reduce = (self._cell(key, cell, faults) for key, cell in zip(("normal", "reduce"), lists, strict=True))
        faults.check()
        return Genotype(CellGenotype(tuple(normal), all_nodes(NODES)), CellGenotype(tuple(reduce), all_nodes(NODES)))

    def _cell(self, key: str, value: object, faults: Faults) -> list[Pair]:
        if not is_sequence(value) or len(value) != _PAIRS:
            faults.add(key, f"{shown(value)} is not a list of {_PAIRS} pairs", "write (input, operation number) pairs")
            return []
        read = [self._pair(f"{key}[{position}]", pair, position, faults) for position, pair in enumerate(value)]
        return [pair for pair in read if pair is not None]

    def _pair(self, at: str, value: object, position: int, faults: Faults) -> Pair | None:
        if not is_sequence(value) or len(value) != 2:
            faults.add(at, f"{shown(value)} is not a pair", "write (input, operation number)")
            return None
        source, number = value
        last = INPUTS + position // 2 - 1
        if not is_integer(source) or not 0 <= source <= last:
            faults.add(at, f"input {shown(source)} is out of range", f"allowed: integers from 0 to {last}")
            return None
        if not is_integer(number) or not 0 <= number < len(self._operations):
            table = ", ".join(f"{position} {operation}" for position, operation in enumerate(self._operations))
            faults.add(at, f"operation {shown(number)} does not exist", f"allowed: {table}")
            return None
        return self._operations[number], source

    def write(self, genotype: Genotype) -> JsonValue:
        """The two lists of a genotype.

        Raises:
            LossyConversion: it has another number of pairs, another output, or operations without a number.
        """
        check_fits(self.name, genotype, operations=self._operations, nodes=NODES)
        return [
            [[source, self._operations.index(operation)] for operation, source in cell.pairs]
            for _, cell in cells(genotype)
        ]


def _is_compact(value: object) -> bool:
    lists = plain(value)
    return is_sequence(lists) and len(lists) == 2 and all(_are_pairs(cell) for cell in lists)


def _are_pairs(value: object) -> bool:
    return (
        is_sequence(value)
        and len(value) == _PAIRS
        and all(is_sequence(pair) and len(pair) == 2 and all(map(is_integer, pair)) for pair in value)
    )


def _format(name: str, summary: str, operations: tuple[str, ...]) -> Format[Genotype]:
    form, first = CompactForm(name, operations), operations.index("max_pool_3x3")
    example: JsonValue = [[[source, number + first] for source, number in cell] for cell in (_NORMAL, _REDUCE)]
    return Format(name, summary, example, form.parse, recognises=lambda _: False, write=form.write, may_be=_is_compact)


NASLIB_FORMATS: Final = (
    _format(
        "naslib_darts_compact",
        "NASLib's pairs (input, operation), operations from max_pool_3x3 0 to dil_conv_5x5 6; output: all four nodes.",
        OPERATIONS_301,
    ),
    _format(
        "naslib_darts_compact_old",
        "The same of an older NASLib, operations from none 0 to dil_conv_5x5 7.",
        ("none", *OPERATIONS_301),
    ),
)
