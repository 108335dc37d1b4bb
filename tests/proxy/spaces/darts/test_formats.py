"""Reading genotypes: what is read, and that every fault is reported with its position and repair."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import Fault, InvalidArchitecture
from proxy.spaces.darts import DARTS
from proxy.spaces.darts.formats import parse_json, parse_repr
from tests.proxy.spaces.darts.published import GENOTYPES

OPERATIONS = (
    "none, max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3, sep_conv_5x5, sep_conv_7x7, dil_conv_3x3, "
    "dil_conv_5x5, conv_7x1_1x7"
)
KEYS = "normal, normal_concat, reduce, reduce_concat"
PAIRS = [["sep_conv_3x3", 0], ["none", 1]]


def valid(**changes: object) -> dict[str, Any]:
    """A small valid genotype with some keys changed."""
    return {"normal": PAIRS, "normal_concat": [2], "reduce": PAIRS, "reduce_concat": [2]} | changes


def faults_of(value: object) -> list[Fault]:
    with pytest.raises(InvalidArchitecture) as raised:
        DARTS.parse(value)
    assert raised.value.message == "; ".join(map(str, raised.value.faults))
    return list(raised.value.faults)


def test_repr_and_json_of_published_genotypes_agree() -> None:
    for text in GENOTYPES.values():
        genotype = parse_repr(text)
        assert parse_json(genotype.canonical) == parse_json(json.loads(genotype.canonical)) == genotype
        assert DARTS.parse(f"NAME = {text}\n").architecture == genotype


def test_fourteen_pairs_and_repeated_concat_are_kept() -> None:
    genotype = parse_json(valid(normal=PAIRS * 7, normal_concat=[8, 2, 2, 3]))
    assert len(genotype.normal.pairs) == 14
    assert genotype.normal.concat == (8, 2, 2, 3)


def test_aliases_of_keys() -> None:
    renamed = {"normal": PAIRS, "normal_concat": [2], "reduction": PAIRS, "reduction_concat": [2]}
    assert parse_json(renamed) == parse_json(valid())
    text = f"Genotype(normal={PAIRS}, normal_concat=[2], reduction={PAIRS}, reduction_concat=[2])"
    assert parse_repr(text) == parse_json(valid())


def test_range_is_read_as_the_list_that_it_stands_for() -> None:
    text = f"Genotype(normal={PAIRS * 4}, normal_concat=range(2, 6), reduce={PAIRS}, reduce_concat=range(2, 3))"
    assert parse_repr(text).normal.concat == (2, 3, 4, 5)


def test_weights_of_pairs_are_dropped() -> None:
    weighted = [["sep_conv_3x3", 0, 0.25], ["none", 1, 1]]
    assert parse_json(valid(normal=weighted)) == parse_json(valid())


def test_every_fault_of_a_genotype_is_reported() -> None:
    value = {
        "normal": [["sep_conv_3x4", 2], ["none", True], ["none", -1], [3, 0], ["none", 1, "w"], "none"],
        "normal_concat": [1, 2, 5, "2", 2.0],
        "reduction": [["none", 0], ["none", 1], ["none", 3]],
        "reduce_concat": 3,
        "auxiliary": True,
    }
    assert faults_of(value) == [
        Fault("architecture", "key 'auxiliary' does not exist", f"allowed: {KEYS}"),
        Fault("normal[0]", "input 2 is out of range", "allowed: integers from 0 to 1, the states before node 2"),
        Fault(
            "normal[0]",
            "operation 'sep_conv_3x4' does not exist",
            f"did you mean 'sep_conv_3x3'? allowed: {OPERATIONS}",
        ),
        Fault("normal[1]", "input True is not an integer", "allowed: integers from 0 to 1, the states before node 2"),
        Fault("normal[2]", "input -1 is out of range", "allowed: integers from 0 to 2, the states before node 3"),
        Fault("normal[3]", "operation 3 is not a string", f"allowed: {OPERATIONS}"),
        Fault("normal[4]", "weight 'w' is not a number", "write [operation, input] without a weight"),
        Fault("normal[5]", "'none' is not a pair", "write [operation, input]"),
        Fault("normal_concat[0]", "node 1 is not a computed node", "allowed: nodes from 2 to 4"),
        Fault("normal_concat[2]", "node 5 is not a computed node", "allowed: nodes from 2 to 4"),
        Fault("normal_concat[3]", "'2' is not an integer", "allowed: nodes from 2 to 4"),
        Fault("normal_concat[4]", "2.0 is not an integer", "allowed: nodes from 2 to 4"),
        Fault("reduce", "it has 3 pairs, an odd number", "a node takes two: add or remove a pair"),
        Fault("reduce[2]", "input 3 is out of range", "allowed: integers from 0 to 2, the states before node 3"),
        Fault("reduce_concat", "3 is not a list", "list the nodes to concatenate; allowed: nodes from 2 to 3"),
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"normal": []}, Fault("normal", "it is empty", "list at least two [operation, input] pairs")),
        ({"normal": "none"}, Fault("normal", "'none' is not a list", "list [operation, input] pairs")),
        ({"normal": PAIRS * 65}, Fault("normal", "it has 130 pairs", "at most 128 are read")),
        (
            {"reduce_concat": []},
            Fault("reduce_concat", "it is empty", "list at least one node; allowed: nodes from 2 to 2"),
        ),
        ({"reduce_concat": [2] * 129}, Fault("reduce_concat", "it has 129 entries", "at most 128 are read")),
        ({"reduction": PAIRS}, Fault("reduce", "it is given twice, the second time as 'reduction'", "give it once")),
        (
            {"normall": 1},
            Fault("architecture", "key 'normall' does not exist", f"did you mean 'normal'? allowed: {KEYS}"),
        ),
        (
            {"normal": [{"none": 0, "skip_connect": 1}, ["none", 0]]},
            Fault("normal[0]", "{'none': 0, 'skip_connect': 1} is not a pair", "write [operation, input]"),
        ),
    ],
)
def test_faults_of_json(changes: dict[str, object], fault: Fault) -> None:
    assert faults_of(valid(**changes)) == [fault]
    assert faults_of(json.dumps(valid(**changes))) == [fault]


def test_missing_keys_are_each_a_fault() -> None:
    repair = f"give all of {KEYS}"
    assert faults_of({"normal": PAIRS}) == [
        Fault(key, "it is missing", repair) for key in ("normal_concat", "reduce", "reduce_concat")
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Genotype([('none', 0)])", "1 arguments have no key"),
        ("Genotype(normal=[", "cannot be read"),
        ("Genotype(normal=[]).x", "is not a genotype"),
        ("Genotype(**{})", "key None does not exist"),
        ("Genotype(normal=open('x'))", r"expression open\('x'\) is not a list"),
        ("Genotype(normal=[('none', 0 + 1)])", r"input expression 0 \+ 1 is not an integer"),
        ("Genotype(normal_concat=range(2, 10 ** 9))", r"expression range\(2, 10 \*\* 9\) is not a list"),
        ("Genotype(normal_concat=range(2, 1000000000))", r"expression range\(2, 1000000000\) is not a list"),
        ("Genotype(normal_concat=range(-3, 1))", r"normal_concat\[0\]: node -3 is not a computed node"),
        ("Genotype(normal=[], normal=[])", "given twice"),
        ("Genotype(normal=['\\d'])", "characters that no genotype has"),
        ("Genotype(normal=\u0661)", "characters that no genotype has"),
        ("Genotype(x=" + "-" * 8_000 + "1)", "nested too deeply"),
        ("Genotype(x=a" + ".a" * 4_000 + ")", "nested too deeply"),
        ("Genotype(x=1" + "+1" * 4_000 + ")", "nested too deeply"),
        ("Genotype(x=" + "not " * 2_000 + "1)", "key 'x' does not exist"),
        ("Genotype(" + "(" * 8_000, "too many nested parentheses"),
        ("Genotype(" + "a" * 100_000, "has 100009 characters; at most 8192 are read"),
    ],
    ids=range(18),
)
def test_faults_of_a_repr(text: str, problem: str) -> None:
    with pytest.raises(InvalidArchitecture, match=problem) as raised:
        DARTS.parse(text)
    assert len(raised.value.message) < 2_000


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"normal": ', "is not JSON"),
        ('{"normal":' * 800, "is not JSON"),
        ('{"normal": ' + "[" * 8_000, "is nested too deeply"),
        ('{"normal": [], "normal": []}', "keys are repeated"),
        ('{"normal": ' + "9" * 5_000 + "}", "is not JSON"),
        ("{" + " " * 100_000, "has 100001 characters; at most 8192 are read"),
    ],
    ids=range(6),
)
def test_faults_of_json_text(text: str, problem: str) -> None:
    with pytest.raises(InvalidArchitecture, match=problem) as raised:
        DARTS.parse(text)
    assert len(raised.value.message) < 2_000


def test_a_number_of_faults_beyond_the_list_is_told() -> None:
    # A hundred operations, and the inputs of the first sixteen pairs.
    faults = faults_of(valid(normal=[["x" * 1_000, 9]] * 100))
    assert len(faults) == 21
    assert faults[-1] == Fault("architecture", "96 more faults are not listed", "mend the listed ones first")
    assert max(len(str(fault)) for fault in faults) < 300
