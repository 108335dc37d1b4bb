"""NAS-Bench-201 as an entry of the table of spaces."""

from __future__ import annotations

from typing import ClassVar

import pytest

from proxy.errors import UnknownFormat
from proxy.spaces.nasbench201 import NASBENCH201
from proxy.spaces.nasbench201.genotype import Cell
from tests.proxy.spaces.contracts import SpaceContract


class TestContract(SpaceContract):
    space = NASBENCH201
    members: ClassVar = [
        "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        [[["skip_connect", 0]], [["none", 0], ["skip_connect", 1]], [["none", 0], ["none", 1], ["none", 2]]],
        "index:0",
    ]


def test_facts_of_a_cell() -> None:
    cell = Cell(("nor_conv_1x1", "skip_connect", "skip_connect", "none", "skip_connect", "skip_connect"))
    assert NASBENCH201.facts(cell) == {"connected": True, "nasbench201_index": 354, "equivalence_class": 39}


def test_the_enumeration_is_in_order_of_the_official_index() -> None:
    assert NASBENCH201.enumerate is not None
    everything = list(NASBENCH201.enumerate())
    assert len(everything) == 15_625
    assert [everything.index(text) for text in everything[::1000]] == list(range(0, 15_625, 1000))
    assert NASBENCH201.parse("index:354", "nats_tss_index").architecture.canonical == everything[354]


def test_graph_marks_what_cannot_reach_the_output() -> None:
    """Edge 1 <- 0 leads to node 1, and nothing leads on from there."""
    cell = Cell(("nor_conv_3x3", "none", "none", "nor_conv_1x1", "none", "none"))
    (graph,) = NASBENCH201.graph(cell)
    assert graph.nodes == ("0", "1", "2", "3")
    assert [(e.source, e.target, e.operation) for e in graph.edges if e.reaches_output] == [("0", "3", "nor_conv_1x1")]
    assert len(graph.edges) == 6


@pytest.mark.parametrize("value", [2631, [4, 0, 3, 1, 4, 3], "(4, 0, 3, 1, 4, 3)", "Genotype(normal=[])"])
def test_numbers_never_say_what_they_are(value: object) -> None:
    with pytest.raises(UnknownFormat, match=r"name one with 'format': nb201_str, nb201_list, nats_tss_index"):
        NASBENCH201.parse(value)


def test_unknown_format_is_named_with_what_exists() -> None:
    with pytest.raises(UnknownFormat, match=r"no format 'nb201_strng'; did you mean 'nb201_str'\? allowed: nb201_str"):
        NASBENCH201.parse("|none~0|", "nb201_strng")
