"""NAS-Bench-201 cells as objects with a key for each edge, and as Archai's ids: each says by itself what it is.

    format            keys                        values
    syne_tune_nb201   hp_x0 to hp_x5              the official names of operations
    optunahub_nb201   Op0_index to Op5_index      their numbers, from none 0 to avg_pool_3x3 4
    nni_nb201         0_1 0_2 1_2 0_3 1_3 2_3     names without nor_: conv_1x1, conv_3x3; keys are source_target
    archai_nb201                                  natsbench-tss- and the official index

The first two number edges as the official string does.

Sources: Syne Tune's blackbox nasbench201; OptunaHub's benchmarks/nasbench201; NNI's benchmark nasbench201; Archai's
NatsbenchTssSearchSpace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from proxy.errors import allowed_names, shown
from proxy.json_types import JsonScalar, JsonValue
from proxy.spaces._base import Format
from proxy.spaces._faults import WHOLE, Faults, invalid, is_integer
from proxy.spaces.nasbench201.genotype import EDGES, OPERATIONS, Cell
from proxy.spaces.nasbench201.index import SIZE, official_cells, official_index

_EXAMPLE: Final = ("avg_pool_3x3", "skip_connect", "none", "nor_conv_1x1", "avg_pool_3x3", "nor_conv_1x1")
_ARCHAI: Final = "natsbench-tss-"
_ARCHAI_ID: Final = re.compile(rf"\s*{_ARCHAI}([0-9]{{1,5}})\s*")


class KeyedForm:
    """An object of six keys, one for each edge in `EDGES` order."""

    def __init__(self, keys: tuple[str, ...], operations: Mapping[JsonScalar, str]) -> None:
        """`operations`: how this form calls them -> their official names."""
        assert len(keys) == len(EDGES), keys
        assert sorted(operations.values()) == sorted(OPERATIONS), operations
        self._keys = keys
        self._operations = operations
        self._names = {official: name for name, official in operations.items()}

    def parse(self, value: object) -> Cell:
        """Read the object.

        Raises:
            InvalidArchitecture: with every fault.
        """
        if not isinstance(value, dict):
            raise invalid(f"{shown(value)} is not an object", f"write an object with the keys {', '.join(self._keys)}")
        faults = Faults()
        for key in value:
            if key not in self._keys:
                faults.add_unknown(WHOLE, "key", key, self._keys)
        read = [self._operation(key, value, faults) for key in self._keys]
        faults.check()
        return Cell(tuple(operation for operation in read if operation is not None))

    def _operation(self, key: str, value: dict[object, object], faults: Faults) -> str | None:
        if key not in value:
            faults.add(key, "it is missing", f"give all of {', '.join(self._keys)}")
            return None
        name = value[key]
        # True is 1 to a dict.
        if (isinstance(name, str) or is_integer(name)) and name in self._operations:
            return self._operations[name]
        faults.add(key, f"operation {shown(name)} does not exist", allowed_names(name, map(str, self._operations)))
        return None

    def recognises(self, value: object) -> bool:
        """Whether any of the keys is there."""
        return isinstance(value, dict) and any(key in value for key in self._keys)

    def write(self, cell: Cell) -> JsonValue:
        """The object of a cell."""
        return {key: self._names[operation] for key, operation in zip(self._keys, cell.operations, strict=True)}


def _format(name: str, summary: str, keys: tuple[str, ...], operations: Mapping[JsonScalar, str]) -> Format[Cell]:
    form = KeyedForm(keys, operations)
    return Format(name, summary, form.write(Cell(_EXAMPLE)), form.parse, form.recognises, form.write)


def parse_archai(value: object) -> Cell:
    """Read Archai's id, `natsbench-tss-` and an official index.

    Raises:
        InvalidArchitecture: it is none, or the index is out of range.
    """
    repair = f"allowed: {_ARCHAI}0 to {_ARCHAI}{SIZE - 1}"
    match = _ARCHAI_ID.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise invalid(f"{shown(value)} is not an id of Archai's", repair)
    if int(match[1]) >= SIZE:
        raise invalid(f"index {match[1]} does not exist", repair)
    return official_cells()[int(match[1])]


KEYED_FORMATS: Final = (
    _format(
        "syne_tune_nb201",
        "Syne Tune's configuration: hp_x0 to hp_x5, edges as in the official string.",
        tuple(f"hp_x{position}" for position in range(len(EDGES))),
        {operation: operation for operation in OPERATIONS},
    ),
    _format(
        "optunahub_nb201",
        "OptunaHub's parameters: Op0_index to Op5_index, edges as in the official string, operations from none 0.",
        tuple(f"Op{position}_index" for position in range(len(EDGES))),
        dict(enumerate(OPERATIONS)),
    ),
    _format(
        "nni_nb201",
        "NNI's object: a key source_target for each edge, operations without nor_.",
        tuple(f"{source}_{target}" for target, source in EDGES),
        {operation.removeprefix("nor_"): operation for operation in OPERATIONS},
    ),
    Format(
        name="archai_nb201",
        summary="Archai's id: natsbench-tss- and the official index.",
        example=f"{_ARCHAI}2631",
        parse=parse_archai,
        recognises=lambda value: isinstance(value, str) and value.lstrip().startswith(_ARCHAI),
        write=lambda cell: f"{_ARCHAI}{official_index()[cell.canonical]}",
    ),
)
