"""Written forms of NAS-Bench-201 cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxy.errors import allowed_names, shown
from proxy.json_types import JsonValue
from proxy.spaces._base import Format
from proxy.spaces._faults import WHOLE, Faults, invalid, is_integer, is_sequence
from proxy.spaces.nasbench201.formats_integers import INTEGER_FORMATS
from proxy.spaces.nasbench201.formats_keyed import KEYED_FORMATS
from proxy.spaces.nasbench201.genotype import EDGES, INPUT, OPERATIONS, OUTPUT, Cell
from proxy.spaces.nasbench201.index import SIZE, official_cells, official_index

_STRING_EXAMPLE: Final = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
_LIST_EXAMPLE: Final = [
    [["avg_pool_3x3", 0]],
    [["skip_connect", 0], ["none", 1]],
    [["nor_conv_1x1", 0], ["avg_pool_3x3", 1], ["nor_conv_1x1", 2]],
]
_INDEX_EXAMPLE: Final = 2631
#: Ten times the longest official string.
_MAX_TEXT: Final = 1_000
#: How the command line and a file of mixed lines write an index, which as a bare number would be ambiguous.
_INDEX_PREFIX: Final = "index:"
_NODES: Final = tuple(range(INPUT + 1, OUTPUT + 1))
_SOURCES: Final = {str(node): node for node in range(INPUT, OUTPUT)}


def parse_string(value: object) -> Cell:
    """Read the official string.

    Raises:
        InvalidArchitecture: with every fault.
    """
    if not isinstance(value, str):
        raise invalid(f"{shown(value)} is not a string", f"write it like {_STRING_EXAMPLE}")
    if len(value) > _MAX_TEXT:
        raise invalid(
            f"{shown(value)} has {len(value)} characters",
            f"at most {_MAX_TEXT} are read; write it like {_STRING_EXAMPLE}",
        )
    faults = Faults()
    nodes = value.strip().split("+")
    edges = [_split_node(text, f"node {node}", faults) for node, text in zip(_NODES, nodes, strict=False)]
    return _cell(edges, len(nodes), faults)


def parse_list(value: object) -> Cell:
    """Read nodes 1 to 3, each a list of [operation, source node].

    Raises:
        InvalidArchitecture: with every fault.
    """
    if not is_sequence(value):
        raise invalid(f"{shown(value)} is not a list", f"write it like {_LIST_EXAMPLE}")
    faults = Faults()
    nodes: list[Sequence[object] | None] = []
    for node, edges in zip(_NODES, value, strict=False):
        if is_sequence(edges):
            nodes.append(edges)
        else:
            nodes.append(None)
            faults.add(f"node {node}", f"{shown(edges)} is not a list", "list its [operation, source] pairs")
    return _cell(nodes, len(value), faults)


def parse_index(value: object) -> Cell:
    """Read an official index, as an integer or as `index:2631`.

    Raises:
        InvalidArchitecture: it is no integer, or out of range.
    """
    repair = f"allowed: integers from 0 to {SIZE - 1}, or text like '{_INDEX_PREFIX}{_INDEX_EXAMPLE}'"
    index = _index_in_text(value) if isinstance(value, str) else value
    if not is_integer(index):
        raise invalid(f"{shown(value)} is not an index", repair)
    if not 0 <= index < SIZE:
        raise invalid(f"index {shown(index)} does not exist", repair)
    return official_cells()[index]


def _index_in_text(text: str) -> int | None:
    digits = text.strip().removeprefix(_INDEX_PREFIX).strip()
    # isdigit() alone lets superscripts through; the length keeps int() cheap.
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(SIZE)) else None


def _split_node(text: str, at: str, faults: Faults) -> list[list[object]]:
    """`|a~0|b~1|` as [["a", 0], ["b", 1]]."""
    text = text.strip()
    if len(text) > 2 and text.startswith("|") and text.endswith("|"):
        text = text[1:-1]
    else:
        faults.add(at, f"{shown(text)} is not enclosed in '|'", "write each node like |none~0|skip_connect~1|")
        text = text.strip("|")
    edges: list[list[object]] = [[*edge.split("~")] for edge in text.split("|")]
    for edge in edges:
        if edge[-1] in _SOURCES:
            edge[-1] = _SOURCES[str(edge[-1])]
    return edges


def _cell(nodes: Sequence[Sequence[object] | None], given: int, faults: Faults) -> Cell:
    """The cell of these nodes, out of `given` many; None stands for a node that is faulty already."""
    if given != len(_NODES):
        faults.add(WHOLE, f"the number of nodes is {given}", f"a cell has {len(_NODES)}: nodes 1, 2 and 3")
    operations: list[str] = []
    for node, edges in zip(_NODES, nodes, strict=False):
        if edges is not None:
            operations += _operations(node, edges, faults)
    faults.check()
    return Cell(tuple(operations))


def _operations(node: int, edges: Sequence[object], faults: Faults) -> list[str]:
    """The operations on the edges into `node`."""
    at = f"node {node}"
    if len(edges) != node:
        sources = ", ".join(map(str, range(node)))
        faults.add(at, f"the number of edges is {len(edges)}", f"it takes {node}, one from each node of {sources}")
    read = [_operation(f"{at}, edge {source}", edge, source, faults) for source, edge in enumerate(edges[:node])]
    return [operation for operation in read if operation is not None]


def _operation(at: str, edge: object, source: int, faults: Faults) -> str | None:
    """The operation of one edge, which has to come from node `source`."""
    if not is_sequence(edge) or len(edge) != 2:
        faults.add(at, f"{shown(edge)} is not an operation and a source node", f"write it like none~{source}")
        return None
    operation, given = edge
    if not is_integer(given) or given != source:
        faults.add(at, f"source node {shown(given)} is wrong", f"edge {source} comes from node {source}")
    if not isinstance(operation, str):
        faults.add(at, f"operation {shown(operation)} is not a string", allowed_names(None, OPERATIONS))
        return None
    if operation not in OPERATIONS:
        faults.add_unknown(at, "operation", operation, OPERATIONS)
        return None
    return operation


def write_list(cell: Cell) -> JsonValue:
    """The cell as nodes 1 to 3, each a list of [operation, source node]."""
    on = dict(zip(EDGES, cell.operations, strict=True))
    return [[[on[node, source], source] for source in range(node)] for node in _NODES]


def _is_list_form(value: object) -> bool:
    """Lists of lists of lists with a name in front: lists of numbers would be another tool's encoding."""
    if not is_sequence(value):
        return False
    edges = (edge for node in value if is_sequence(node) for edge in node if is_sequence(edge))
    return any(len(edge) > 0 and isinstance(edge[0], str) for edge in edges)


FORMATS: Final[dict[str, Format[Cell]]] = {
    each.name: each
    for each in (
        Format(
            name="nb201_str",
            summary="The official string: |operation~source|, nodes joined by +.",
            example=_STRING_EXAMPLE,
            parse=parse_string,
            recognises=lambda value: isinstance(value, str) and ("|" in value or "~" in value),
            write=lambda cell: cell.canonical,
        ),
        Format(
            name="nb201_list",
            summary="Nodes 1 to 3, each a list of [operation, source node].",
            example=_LIST_EXAMPLE,
            parse=parse_list,
            recognises=_is_list_form,
            write=write_list,
        ),
        Format(
            name="nats_tss_index",
            summary="The official index of NAS-Bench-201 and the topology space of NATS-Bench, 0 to 15624.",
            example=_INDEX_EXAMPLE,
            parse=parse_index,
            recognises=lambda value: isinstance(value, str) and value.strip().startswith(_INDEX_PREFIX),
            write=lambda cell: official_index()[cell.canonical],
            # A bare number says nothing: other tools number other things.
            may_be=lambda value: is_integer(value) or (isinstance(value, str) and _index_in_text(value) is not None),
        ),
        *INTEGER_FORMATS,
        *KEYED_FORMATS,
    )
}
assert len(EDGES) == sum(_NODES), "every node is fed by all nodes before it"
