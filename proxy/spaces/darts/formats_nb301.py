"""Configurations of NAS-Bench-301: an operation for each edge that is there, and the two inputs of each node.

Node n (2 to 5) reads two different states. Edges are numbered node by node, so that node n's edge from state i is
number 0, 2, 5 or 9 plus i. Node 2 reads states 0 and 1, which is not written. Inputs are written in rising order: the
order of a node's pairs is not kept, and two pairs from one state cannot be told. Every cell's output are all four
nodes. All other keys of a configuration (optimiser, augmentation, number of layers) are no part of the genotype, and
are ignored.

Source: nasbench301, the ConfigSpace of its surrogates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from proxy.errors import Fault, allowed_names, shown
from proxy.json_types import JsonValue
from proxy.spaces._base import Format
from proxy.spaces._faults import WHOLE, Faults, invalid
from proxy.spaces.darts._losses import all_nodes, cells, check_fits
from proxy.spaces.darts.formats_naslib import NODES, OPERATIONS_301
from proxy.spaces.darts.genotype import INPUTS, CellGenotype, Genotype, Pair

NAME: Final = "nb301_config"
_PREFIX: Final = "NetworkSelectorDatasetInfo:darts:"
_FIRST_EDGE: Final = {2: 0, 3: 2, 4: 5, 5: 9}
_EDGES: Final = 14
#: Keys that are about the cells, well formed or not.
_OURS: Final = re.compile(rf"{_PREFIX}(?:edge|inputs_node)_.*")


def edge_key(cell: str, number: int) -> str:
    """The key of an edge's operation."""
    return f"{_PREFIX}edge_{cell}_{number}"


def inputs_key(cell: str, node: int) -> str:
    """The key of a node's two inputs, for nodes 3 to 5."""
    return f"{_PREFIX}inputs_node_{cell}_{node}"


_KEYS: Final = frozenset(
    key
    for cell in ("normal", "reduce")
    for key in (
        *(edge_key(cell, number) for number in range(_EDGES)),
        *(inputs_key(cell, node) for node in _FIRST_EDGE if node > INPUTS),
    )
)


def parse(value: object) -> Genotype:
    """Read a configuration.

    Raises:
        InvalidArchitecture: with every fault.
    """
    if not isinstance(value, dict):
        raise invalid(f"{shown(value)} is not an object", f"write an object with keys like {edge_key('normal', 0)}")
    faults = Faults()
    for key in value:
        if isinstance(key, str) and _OURS.match(key) and key not in _KEYS:
            repair = f"edges are 0 to {_EDGES - 1}, nodes with inputs 3 to 5, of normal and reduce"
            faults.add(WHOLE, f"key {shown(key)} does not exist", repair)
    normal, reduce = (_cell(key, value, faults) for key in ("normal", "reduce"))
    faults.check()
    return Genotype(CellGenotype(tuple(normal), all_nodes(NODES)), CellGenotype(tuple(reduce), all_nodes(NODES)))


def _cell(cell: str, config: dict[object, object], faults: Faults) -> list[Pair]:
    pairs: list[Pair] = []
    for node, first in _FIRST_EDGE.items():
        for source in _inputs(cell, node, config, faults):
            operation = _operation(edge_key(cell, first + source), config, faults)
            if operation is not None:
                pairs.append((operation, source))
    return pairs


def _inputs(cell: str, node: int, config: dict[object, object], faults: Faults) -> tuple[int, ...]:
    if node == INPUTS:
        return 0, 1
    key = inputs_key(cell, node)
    choices = {f"{a}_{b}": (a, b) for b in range(node) for a in range(b)}
    chosen = config.get(key)
    if isinstance(chosen, str) and chosen in choices:
        return choices[chosen]
    problem = "it is missing" if key not in config else f"inputs {shown(chosen)} do not exist"
    faults.add(key, problem, f"allowed: {', '.join(choices)}")
    return ()


def _operation(key: str, config: dict[object, object], faults: Faults) -> str | None:
    operation = config.get(key)
    if isinstance(operation, str) and operation in OPERATIONS_301:
        return operation
    problem = "it is missing" if key not in config else f"operation {shown(operation)} does not exist"
    faults.add(key, problem, allowed_names(operation, OPERATIONS_301))
    return None


def write(genotype: Genotype) -> JsonValue:
    """The keys of a configuration that are about its cells.

    Raises:
        LossyConversion: with all that would be lost, the order of pairs included.
    """
    losses = [loss for key, cell in cells(genotype) for loss in _order_losses(key, cell)]
    check_fits(NAME, genotype, operations=OPERATIONS_301, nodes=NODES, others=losses)
    config: dict[str, JsonValue] = {}
    for key, cell in cells(genotype):
        for target, operation, source in cell.edges:
            config[edge_key(key, _FIRST_EDGE[target] + source)] = operation
        for node in range(INPUTS + 1, INPUTS + NODES):
            sources = [str(source) for target, _, source in cell.edges if target == node]
            config[inputs_key(key, node)] = "_".join(sources)
    return config


def _order_losses(key: str, cell: CellGenotype) -> Iterator[Fault]:
    for node in range(cell.nodes):
        (_, first), (_, second) = cell.pairs[2 * node : 2 * node + 2]
        at = f"{key}[{2 * node}] and [{2 * node + 1}]"
        if first == second:
            yield Fault(
                at, f"one of two pairs from input {first} would be lost", "the format has one edge from a state"
            )
        elif first > second:
            repair = (
                "allow_reordering writes them in order: the same function, whose weights are drawn in another order"
            )
            yield Fault(at, f"the order of inputs {first}, {second} would be lost", repair)


NB301_FORMAT: Final = Format(
    name=NAME,
    summary=f"A configuration of NAS-Bench-301: keys {_PREFIX}edge_normal_0 and so on; output: all four nodes.",
    example={
        edge_key("normal", 0): "sep_conv_3x3",
        edge_key("normal", 1): "sep_conv_3x3",
        edge_key("normal", 2): "sep_conv_3x3",
        edge_key("normal", 3): "sep_conv_3x3",
        edge_key("normal", 5): "skip_connect",
        edge_key("normal", 6): "sep_conv_3x3",
        edge_key("normal", 9): "skip_connect",
        edge_key("normal", 11): "dil_conv_3x3",
        inputs_key("normal", 3): "0_1",
        inputs_key("normal", 4): "0_1",
        inputs_key("normal", 5): "0_2",
        edge_key("reduce", 0): "max_pool_3x3",
        edge_key("reduce", 1): "max_pool_3x3",
        edge_key("reduce", 3): "max_pool_3x3",
        edge_key("reduce", 4): "skip_connect",
        edge_key("reduce", 5): "max_pool_3x3",
        edge_key("reduce", 7): "skip_connect",
        edge_key("reduce", 10): "max_pool_3x3",
        edge_key("reduce", 11): "skip_connect",
        inputs_key("reduce", 3): "1_2",
        inputs_key("reduce", 4): "0_2",
        inputs_key("reduce", 5): "1_2",
    },
    parse=parse,
    recognises=lambda value: isinstance(value, dict) and any(key in value for key in _KEYS),
    write=write,
)
