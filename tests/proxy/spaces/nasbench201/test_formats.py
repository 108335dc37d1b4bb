"""Reading cells: what is read, and that every fault is reported with its position and repair."""

from __future__ import annotations

import json

import pytest

from proxy.errors import Fault, InvalidArchitecture
from proxy.spaces.nasbench201.formats import parse_index, parse_list, parse_string
from proxy.spaces.nasbench201.genotype import Cell
from proxy.spaces.nasbench201.index import official_cells

OPERATIONS = "none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3"


def faults_of(error: pytest.ExceptionInfo[InvalidArchitecture]) -> list[tuple[str, str, str]]:
    """(at, problem, repair) of each fault; the message holds all of them."""
    assert error.value.message == "; ".join(map(str, error.value.faults))
    return [(fault.at, fault.problem, fault.repair) for fault in error.value.faults]


def list_form(cell: Cell) -> list[list[list[object]]]:
    a, b, c, d, e, f = cell.operations
    return [[[a, 0]], [[b, 0], [c, 1]], [[d, 0], [e, 1], [f, 2]]]


def test_all_cells_are_read_from_all_formats() -> None:
    for index, cell in enumerate(official_cells()):
        assert parse_string(cell.canonical) == cell
        assert parse_list(json.loads(json.dumps(list_form(cell)))) == cell
        assert parse_index(index) is cell


def test_space_around_a_string_is_ignored() -> None:
    assert parse_string(" |none~0|+|none~0|none~1|+|none~0|none~1|none~2|\n").operations == ("none",) * 6


def test_tuples_are_read_as_lists() -> None:
    nodes = ((("none", 0),), (("none", 0), ("none", 1)), (("none", 0), ("none", 1), ("none", 2)))
    assert parse_list(nodes).operations == ("none",) * 6


def test_every_fault_of_a_string_is_reported() -> None:
    with pytest.raises(InvalidArchitecture) as raised:
        parse_string("|nor_conv_3x4~0|+|skip_connect~1|none~1|none~2|+none~0|none|conv~2|")
    assert faults_of(raised) == [
        ("node 3", "'none~0|none|conv~2|' is not enclosed in '|'", "write each node like |none~0|skip_connect~1|"),
        (
            "node 1, edge 0",
            "operation 'nor_conv_3x4' does not exist",
            f"did you mean 'nor_conv_3x3'? allowed: {OPERATIONS}",
        ),
        ("node 2", "the number of edges is 3", "it takes 2, one from each node of 0, 1"),
        ("node 2, edge 0", "source node 1 is wrong", "edge 0 comes from node 0"),
        ("node 3, edge 1", "['none'] is not an operation and a source node", "write it like none~1"),
        ("node 3, edge 2", "operation 'conv' does not exist", f"allowed: {OPERATIONS}"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "|none~0|+|none~0|none~1|",
            Fault("architecture", "the number of nodes is 2", "a cell has 3: nodes 1, 2 and 3"),
        ),
        (
            "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|+|none~0|",
            Fault("architecture", "the number of nodes is 4", "a cell has 3: nodes 1, 2 and 3"),
        ),
        (
            "|none~0|+|none~0|none~7|+|none~0|none~1|none~2|",
            Fault("node 2, edge 1", "source node '7' is wrong", "edge 1 comes from node 1"),
        ),
        (
            "|none~0|+|none~0|none~1|+|none~1|none~1|none~2|",
            Fault("node 3, edge 0", "source node 1 is wrong", "edge 0 comes from node 0"),
        ),
        (
            "|~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            Fault("node 1, edge 0", "operation '' does not exist", f"allowed: {OPERATIONS}"),
        ),
        (
            "||none~0||+|none~0|none~1|+|none~0|none~1|none~2|",
            Fault("node 1", "the number of edges is 3", "it takes 1, one from each node of 0"),
        ),
    ],
)
def test_faults_of_a_string(text: str, fault: Fault) -> None:
    with pytest.raises(InvalidArchitecture) as raised:
        parse_string(text)
    assert fault in raised.value.faults


def test_every_fault_of_a_list_is_reported() -> None:
    with pytest.raises(InvalidArchitecture) as raised:
        parse_list([[[None, 0]], "none~0", [["none", "0"], ["none", True], ["none", 2, 0.5], ["none", 3]]])
    assert faults_of(raised) == [
        ("node 2", "'none~0' is not a list", "list its [operation, source] pairs"),
        ("node 1, edge 0", "operation None is not a string", f"allowed: {OPERATIONS}"),
        ("node 3", "the number of edges is 4", "it takes 3, one from each node of 0, 1, 2"),
        ("node 3, edge 0", "source node '0' is wrong", "edge 0 comes from node 0"),
        ("node 3, edge 1", "source node True is wrong", "edge 1 comes from node 1"),
        ("node 3, edge 2", "['none', 2, 0.5] is not an operation and a source node", "write it like none~2"),
    ]


def test_an_index_is_also_read_from_text() -> None:
    assert parse_index("index:2631") == parse_index(" 2631 ") == official_cells()[2631]


@pytest.mark.parametrize("value", [True, 2631.0, "2631.0", "index:", "index:-1", "²", "1_000", "9" * 10, None, [1]])
def test_what_is_no_index(value: object) -> None:
    with pytest.raises(InvalidArchitecture, match=r"is not an index; allowed: integers from 0 to 15624, or text"):
        parse_index(value)


@pytest.mark.parametrize("value", [-1, 15_625, "15625", 10**30])
def test_an_index_out_of_range(value: object) -> None:
    with pytest.raises(InvalidArchitecture, match=r"^architecture: index .* does not exist; allowed: .* 15624"):
        parse_index(value)


def test_long_text_is_refused_by_its_length() -> None:
    with pytest.raises(InvalidArchitecture, match=r"has 100000 characters; at most 1000 are read; write it like \|"):
        parse_string("|none~0|+" * 11_111 + "|")


def test_a_string_of_another_type() -> None:
    with pytest.raises(InvalidArchitecture, match=r"^architecture: 12 is not a string; write it like \|avg_pool"):
        parse_string(12)
