"""Written forms of DARTS genotypes."""

from __future__ import annotations

from typing import Final

from proxy.errors import allowed_names, shown
from proxy.json_types import JsonObject, JsonValue
from proxy.spaces._base import Format
from proxy.spaces._faults import WHOLE, Faults, invalid, is_integer, is_sequence
from proxy.spaces.darts._text import MAX_TEXT, Field, fields_of_json, fields_of_repr, looks_like_repr
from proxy.spaces.darts.formats_naslib import NASLIB_FORMATS
from proxy.spaces.darts.formats_nb301 import NB301_FORMAT
from proxy.spaces.darts.formats_nni import NNI_FORMAT
from proxy.spaces.darts.genotype import INPUTS, OPERATIONS, CellGenotype, Genotype, Pair

#: A cell of this many pairs still has a canonical form that fits into `MAX_TEXT`; published ones have 8 to 14.
MAX_PAIRS: Final = 128
MAX_CONCAT: Final = 128

_KEYS: Final = ("normal", "normal_concat", "reduce", "reduce_concat")
#: Other tools' names of the same keys.
_ALIASES: Final = {"reduction": "reduce", "reduction_concat": "reduce_concat"}

_REPR_EXAMPLE: Final = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), "
    "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])"
)
_JSON_EXAMPLE: Final[JsonObject] = {
    "normal": [
        ["sep_conv_3x3", 0],
        ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 0],
        ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 1],
        ["skip_connect", 0],
        ["skip_connect", 0],
        ["dil_conv_3x3", 2],
    ],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [
        ["max_pool_3x3", 0],
        ["max_pool_3x3", 1],
        ["skip_connect", 2],
        ["max_pool_3x3", 1],
        ["max_pool_3x3", 0],
        ["skip_connect", 2],
        ["skip_connect", 2],
        ["max_pool_3x3", 1],
    ],
    "reduce_concat": [2, 3, 4, 5],
}


def parse_repr(value: object) -> Genotype:
    """Read what Python prints for a genotype: `Genotype(normal=[...], ...)`, also after `NAME = `.

    Raises:
        InvalidArchitecture: with every fault.
    """
    if not isinstance(value, str):
        raise invalid(f"{shown(value)} is not a string", "write it like Genotype(normal=[('none', 0), ...], ...)")
    faults = Faults()
    return _genotype(fields_of_repr(_bounded(value), faults), faults)


def parse_json(value: object) -> Genotype:
    """Read a JSON object, or the text of one.

    Raises:
        InvalidArchitecture: with every fault.
    """
    faults = Faults()
    if isinstance(value, str):
        fields = fields_of_json(_bounded(value), faults)
    elif isinstance(value, dict):
        fields = [Field(*item) for item in value.items()]
    else:
        raise invalid(f"{shown(value)} is not an object", f"write an object with the keys {', '.join(_KEYS)}")
    return _genotype(fields, faults)


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise invalid(f"{shown(text)} has {len(text)} characters", f"at most {MAX_TEXT} are read")
    return text


def _genotype(fields: list[Field], faults: Faults) -> Genotype:
    """The genotype with these keys and values."""
    given: dict[str, object] = {}
    for name, value in fields:
        key = _ALIASES.get(name, name) if isinstance(name, str) else None
        if key not in _KEYS:
            faults.add_unknown(WHOLE, "key", name, _KEYS)
        elif key in given:
            faults.add(key, f"it is given twice, the second time as {shown(name)}", "give it once")
        else:
            given[key] = value
    for key in _KEYS:
        if key not in given:
            faults.add(key, "it is missing", f"give all of {', '.join(_KEYS)}")
    normal = _cell("normal", given, faults)
    reduce = _cell("reduce", given, faults)
    faults.check()
    assert normal is not None, "no fault, so the cell was read"
    assert reduce is not None, "no fault, so the cell was read"
    return Genotype(normal, reduce)


def _cell(key: str, given: dict[str, object], faults: Faults) -> CellGenotype | None:
    """The cell under `key` and its concat, or None if either is faulty or missing."""
    pairs: list[Pair] | None = None
    concat: list[int] | None = None
    nodes: int | None = None
    if key in given:
        pairs, nodes = _pairs(key, given[key], faults)
    if f"{key}_concat" in given:
        concat = _concat(f"{key}_concat", given[f"{key}_concat"], nodes, faults)
    if faults or pairs is None or concat is None:
        return None
    return CellGenotype(tuple(pairs), tuple(concat))


def _pairs(key: str, value: object, faults: Faults) -> tuple[list[Pair] | None, int | None]:
    """The pairs in `value`, and how many nodes they are meant for; None where that cannot be told."""
    if not is_sequence(value):
        faults.add(key, f"{shown(value)} is not a list", "list [operation, input] pairs")
        return None, None
    if len(value) > MAX_PAIRS:
        faults.add(key, f"it has {len(value)} pairs", f"at most {MAX_PAIRS} are read")
        return None, None
    if not value:
        faults.add(key, "it is empty", "list at least two [operation, input] pairs")
        return None, None
    if len(value) % 2:
        faults.add(key, f"it has {len(value)} pairs, an odd number", "a node takes two: add or remove a pair")
    read = [_pair(f"{key}[{position}]", pair, position, faults) for position, pair in enumerate(value)]
    return [pair for pair in read if pair is not None], (len(value) + 1) // 2


def _pair(at: str, value: object, position: int, faults: Faults) -> Pair | None:
    """One pair; a third element, the weight that some search tools add, is dropped."""
    if not is_sequence(value) or len(value) not in (2, 3):
        faults.add(at, f"{shown(value)} is not a pair", "write [operation, input]")
        return None
    operation, source = value[:2]
    if len(value) == 3 and not isinstance(value[2], float) and not is_integer(value[2]):
        faults.add(at, f"weight {shown(value[2])} is not a number", "write [operation, input] without a weight")
    last = INPUTS + position // 2 - 1
    allowed = f"allowed: integers from 0 to {last}, the states before node {last + 1}"
    if not is_integer(source):
        faults.add(at, f"input {shown(source)} is not an integer", allowed)
    elif not 0 <= source <= last:
        faults.add(at, f"input {shown(source)} is out of range", allowed)
    if not isinstance(operation, str):
        faults.add(at, f"operation {shown(operation)} is not a string", allowed_names(None, OPERATIONS))
    elif operation not in OPERATIONS:
        faults.add_unknown(at, "operation", operation, OPERATIONS)
    elif is_integer(source):
        return operation, source
    return None


def _concat(key: str, value: object, nodes: int | None, faults: Faults) -> list[int] | None:
    """The states to concatenate, duplicates kept; `nodes` is None where their number is not known."""
    last = None if nodes is None else INPUTS + nodes - 1
    allowed = "allowed: computed nodes, from 2 up" if last is None else f"allowed: nodes from 2 to {last}"
    if not is_sequence(value) and not isinstance(value, range):
        faults.add(key, f"{shown(value)} is not a list", f"list the nodes to concatenate; {allowed}")
        return None
    if not value:
        faults.add(key, "it is empty", f"list at least one node; {allowed}")
        return None
    if len(value) > MAX_CONCAT:
        faults.add(key, f"it has {len(value)} entries", f"at most {MAX_CONCAT} are read")
        return None
    states: list[int] = []
    for position, state in enumerate(value):
        if not is_integer(state):
            faults.add(f"{key}[{position}]", f"{shown(state)} is not an integer", allowed)
        elif state < INPUTS or (last is not None and state > last):
            faults.add(f"{key}[{position}]", f"node {shown(state)} is not a computed node", allowed)
        else:
            states.append(state)
    return states


def _looks_like_json(value: object) -> bool:
    if isinstance(value, str):
        return value.lstrip()[:1] == "{"
    return isinstance(value, dict) and any(key in value for key in (*_KEYS, *_ALIASES))


def write_repr(genotype: Genotype) -> JsonValue:
    """What Python prints for the genotype."""
    cells = (("normal", genotype.normal), ("reduce", genotype.reduce))
    fields = [f"{key}={list(cell.pairs)}, {key}_concat={list(cell.concat)}" for key, cell in cells]
    return f"Genotype({', '.join(fields)})"


def write_json(genotype: Genotype) -> JsonValue:
    """The genotype as an object: `Genotype.canonical` is its text."""
    return {
        "normal": [list(pair) for pair in genotype.normal.pairs],
        "normal_concat": list(genotype.normal.concat),
        "reduce": [list(pair) for pair in genotype.reduce.pairs],
        "reduce_concat": list(genotype.reduce.concat),
    }


FORMATS: Final[dict[str, Format[Genotype]]] = {
    each.name: each
    for each in (
        Format(
            name="darts_genotype_repr",
            summary="What Python prints: Genotype(normal=[('operation', input), ...], normal_concat=[...], ...).",
            example=_REPR_EXAMPLE,
            parse=parse_repr,
            recognises=looks_like_repr,
            write=write_repr,
        ),
        Format(
            name="darts_json",
            summary="An object with the keys normal, normal_concat, reduce, reduce_concat, or its text.",
            example=_JSON_EXAMPLE,
            parse=parse_json,
            recognises=_looks_like_json,
            write=write_json,
        ),
        *NASLIB_FORMATS,
        NB301_FORMAT,
        NNI_FORMAT,
    )
}
