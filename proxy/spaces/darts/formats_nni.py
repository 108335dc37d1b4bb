"""NNI's form of DARTS genotypes: an operation and an input for both slots of each node.

`normal/op_2_0` is the operation of node 2's first pair, `normal/input_2_0` its input: an integer, or a list of one.
Every cell's output are all its nodes. Keys of neither cell (`width`, `depth`) are no part of the genotype, and are
ignored.

Source: NNI's nas.hub, the space DARTS.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.errors import allowed_names, shown
from proxy.json_types import JsonValue
from proxy.spaces._base import Format
from proxy.spaces._faults import WHOLE, Faults, invalid, is_integer, is_sequence
from proxy.spaces.darts._losses import all_nodes, cells, check_fits
from proxy.spaces.darts.genotype import INPUTS, OPERATIONS, CellGenotype, Genotype, Pair

NAME: Final = "nni_darts"
#: Of a cell, as for other formats.
MAX_NODES: Final = 64
_CELLS: Final = ("normal", "reduce")
_KEY: Final = re.compile(r"(normal|reduce)/(op|input)_([0-9]{1,3})_([01])")
_LIKE: Final = "normal/op_2_0 and normal/input_2_0"


def parse(value: object) -> Genotype:
    """Read the object.

    Raises:
        InvalidArchitecture: with every fault.
    """
    if not isinstance(value, dict):
        raise invalid(f"{shown(value)} is not an object", f"write an object with keys like {_LIKE}")
    faults = Faults()
    nodes = dict.fromkeys(_CELLS, 1)
    for key in value:
        if not isinstance(key, str) or not key.startswith(tuple(f"{cell}/" for cell in _CELLS)):
            continue
        match = _KEY.fullmatch(key)
        node = int(match[3]) if match else -1
        if match is None or not INPUTS <= node < INPUTS + MAX_NODES or str(node) != match[3]:
            repair = f"keys are like {_LIKE}: node from {INPUTS} to {INPUTS + MAX_NODES - 1}, slot 0 or 1"
            faults.add(WHOLE, f"key {shown(key)} does not exist", repair)
        else:
            nodes[match[1]] = max(nodes[match[1]], node - INPUTS + 1)
    normal, reduce = (_cell(cell, value, nodes[cell], faults) for cell in _CELLS)
    faults.check()
    return Genotype(
        CellGenotype(tuple(normal), all_nodes(nodes["normal"])), CellGenotype(tuple(reduce), all_nodes(nodes["reduce"]))
    )


def _cell(cell: str, given: dict[object, object], nodes: int, faults: Faults) -> list[Pair]:
    pairs: list[Pair] = []
    for node in all_nodes(nodes):
        for slot in (0, 1):
            operation = _operation(f"{cell}/op_{node}_{slot}", given, faults)
            source = _input(f"{cell}/input_{node}_{slot}", given, node, faults)
            if operation is not None and source is not None:
                pairs.append((operation, source))
    return pairs


def _operation(key: str, given: dict[object, object], faults: Faults) -> str | None:
    operation = given.get(key)
    if key not in given:
        faults.add(key, "it is missing", "every node has two operations, of slots 0 and 1")
    elif not isinstance(operation, str):
        faults.add(key, f"operation {shown(operation)} is not a string", allowed_names(None, OPERATIONS))
    elif operation not in OPERATIONS:
        faults.add_unknown(key, "operation", operation, OPERATIONS)
    else:
        return operation
    return None


def _input(key: str, given: dict[object, object], node: int, faults: Faults) -> int | None:
    source = given.get(key)
    if is_sequence(source) and len(source) == 1:
        source = source[0]
    if is_integer(source) and 0 <= source < node:
        return source
    problem = "it is missing" if key not in given else f"input {shown(given[key])} does not exist"
    faults.add(key, problem, f"allowed: an integer from 0 to {node - 1}, or a list of one")
    return None


def write(genotype: Genotype) -> JsonValue:
    """The object of a genotype.

    Raises:
        LossyConversion: a cell's output is not that of all its nodes.
    """
    check_fits(NAME, genotype, operations=OPERATIONS, nodes=None)
    written: dict[str, JsonValue] = {}
    for key, cell in cells(genotype):
        for position, (target, operation, source) in enumerate(cell.edges):
            written[f"{key}/op_{target}_{position % 2}"] = operation
            written[f"{key}/input_{target}_{position % 2}"] = [source]
    return written


_EXAMPLE: Final = {
    "normal": "sep_conv_3x3 0 sep_conv_3x3 1 sep_conv_3x3 0 sep_conv_3x3 1 "
    "sep_conv_3x3 1 skip_connect 0 skip_connect 0 dil_conv_3x3 2",
    "reduce": "max_pool_3x3 0 max_pool_3x3 1 skip_connect 2 max_pool_3x3 1 "
    "max_pool_3x3 0 skip_connect 2 skip_connect 2 max_pool_3x3 1",
}


def _example() -> JsonValue:
    words = {cell: text.split() for cell, text in _EXAMPLE.items()}
    pairs = {cell: tuple(zip(each[::2], map(int, each[1::2]), strict=True)) for cell, each in words.items()}
    normal, reduce = (CellGenotype(pairs[cell], all_nodes(len(pairs[cell]) // 2)) for cell in _CELLS)
    return write(Genotype(normal, reduce))


NNI_FORMAT: Final = Format(
    name=NAME,
    summary="NNI's object: keys normal/op_2_0, normal/input_2_0 and so on; output: all nodes of a cell.",
    example=_example(),
    parse=parse,
    recognises=lambda value: isinstance(value, dict) and any(isinstance(key, str) and _KEY.match(key) for key in value),
    write=write,
)
