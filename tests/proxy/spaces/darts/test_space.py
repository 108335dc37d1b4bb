"""DARTS as an entry of the table of spaces."""

from __future__ import annotations

from typing import ClassVar

from proxy.spaces._base import Edge
from proxy.spaces.darts import DARTS
from tests.proxy.spaces.contracts import SpaceContract
from tests.proxy.spaces.darts.published import GENOTYPES

SMALL_CELL = [["sep_conv_3x3", 0], ["none", 1]]
CUT_OFF = [["none", 0], ["none", 1], ["sep_conv_5x5", 2], ["conv_7x1_1x7", 2]]


class TestContract(SpaceContract):
    space = DARTS
    members: ClassVar = [
        *GENOTYPES.values(),
        {"normal": SMALL_CELL, "normal_concat": [2], "reduce": SMALL_CELL, "reduce_concat": [2, 2]},
        {"normal": CUT_OFF, "normal_concat": [3], "reduce": CUT_OFF, "reduce_concat": [2, 3]},
        {"normal": SMALL_CELL, "normal_concat": [2], "reduce": CUT_OFF, "reduce_concat": [2, 3]},
        {"normal": [["sep_conv_7x7", 1]] * 128, "normal_concat": [65] * 128, "reduce": CUT_OFF, "reduce_concat": [3]},
    ]


def test_facts_of_a_genotype() -> None:
    genotype = DARTS.parse(
        {"normal": SMALL_CELL, "normal_concat": [2], "reduce": CUT_OFF, "reduce_concat": [2, 3, 3]}
    ).architecture
    assert DARTS.facts(genotype) == {
        # Normal cells read the cell before the last, so cell 12 jumps over the reduction and cell 6 meets the other.
        "connected": False,
        "normal": {"pairs": 2, "live_pairs": 1, "concat_width": 1, "live_inputs": [0]},
        "reduce": {"pairs": 4, "live_pairs": 2, "concat_width": 3, "live_inputs": []},
    }


def test_graph_has_a_node_for_each_state_and_an_edge_for_each_concatenated_one() -> None:
    genotype = DARTS.parse(
        {"normal": SMALL_CELL, "normal_concat": [2], "reduce": SMALL_CELL, "reduce_concat": [2, 2]}
    ).architecture
    normal, reduce = DARTS.graph(genotype)
    assert (normal.name, reduce.name) == ("normal", "reduce")
    assert normal.nodes == ("0", "1", "2", "output")
    assert normal.edges == (
        Edge("0", "2", "sep_conv_3x3", reaches_output=True),
        Edge("1", "2", "none", reaches_output=False),
        Edge("2", "output", "concat", reaches_output=True),
    )
    assert reduce.edges[2:] == (Edge("2", "output", "concat", reaches_output=True),) * 2
