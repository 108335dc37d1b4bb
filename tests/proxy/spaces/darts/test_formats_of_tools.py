"""Other tools' DARTS genotypes, by values that those tools write.

Provenance: DARTS_V2 is of quark0/darts. Its compact form (NASLib, nasbench301/conversions.py), its configuration
(nasbench301) and its object (NNI, nas.hub DARTS) are what those tools make of it. The old numbering of NASLib is that
before its pull request 54.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import AmbiguousFormat, InvalidArchitecture, LossyConversion
from proxy.json_types import JsonValue
from proxy.spaces.darts import DARTS
from proxy.spaces.darts.formats import parse_json
from proxy.spaces.darts.genotype import CellGenotype, Genotype
from proxy.spaces.reading import read
from tests.proxy.spaces.darts.published import GENOTYPES

V2 = DARTS.parse(GENOTYPES["DARTS_V2"]).architecture
COMPACT = (
    ((0, 3), (1, 3), (0, 3), (1, 3), (1, 3), (0, 2), (0, 2), (2, 5)),
    ((0, 0), (1, 0), (2, 2), (1, 0), (0, 0), (2, 2), (2, 2), (1, 0)),
)
OLD = [[[source, number + 1] for source, number in cell] for cell in COMPACT]
DARTS_KEY = "NetworkSelectorDatasetInfo:darts:"
NB301 = {
    **{f"{DARTS_KEY}edge_normal_{edge}": "sep_conv_3x3" for edge in (0, 1, 2, 3, 6)},
    **{f"{DARTS_KEY}edge_normal_{edge}": "skip_connect" for edge in (5, 9)},
    f"{DARTS_KEY}edge_normal_11": "dil_conv_3x3",
    **{f"{DARTS_KEY}inputs_node_normal_{node}": inputs for node, inputs in ((3, "0_1"), (4, "0_1"), (5, "0_2"))},
    **{f"{DARTS_KEY}edge_reduce_{edge}": "max_pool_3x3" for edge in (0, 1, 3, 5, 10)},
    **{f"{DARTS_KEY}edge_reduce_{edge}": "skip_connect" for edge in (4, 7, 11)},
    **{f"{DARTS_KEY}inputs_node_reduce_{node}": inputs for node, inputs in ((3, "1_2"), (4, "0_2"), (5, "1_2"))},
}
#: What a configuration says beside its cells.
BESIDE = {
    "CreateImageDataLoader:batch_size": 96,
    "NetworkSelectorDatasetInfo:network": "darts",
    f"{DARTS_KEY}auxiliary": "True",
    f"{DARTS_KEY}init_channels": 32,
    f"{DARTS_KEY}layers": 8,
    "OptimizerSelector:sgd:learning_rate": 0.025,
}
NNI = {
    f"{cell}/{what}_{2 + position // 2}_{position % 2}": value
    for cell, pairs in (("normal", V2.normal.pairs), ("reduce", V2.reduce.pairs))
    for position, (operation, source) in enumerate(pairs)
    for what, value in (("op", operation), ("input", [source]))
}


def as_lists(value: Any) -> JsonValue:
    written: JsonValue = json.loads(json.dumps(value))
    return written


def changed(**cells: CellGenotype) -> Genotype:
    """DARTS_V2 with another cell or two."""
    return Genotype(**{"normal": V2.normal, "reduce": V2.reduce} | cells)


def losses_of(genotype: Genotype, name: str) -> list[tuple[str, str]]:
    with pytest.raises(LossyConversion) as raised:
        DARTS.formats[name].write(genotype)
    assert name in raised.value.message
    assert all(loss.repair for loss in raised.value.faults)
    return [(loss.at, loss.problem) for loss in raised.value.faults]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("naslib_darts_compact", COMPACT),
        ("naslib_darts_compact", as_lists(COMPACT)),
        ("naslib_darts_compact", repr(COMPACT)),
        ("naslib_darts_compact_old", OLD),
        ("nni_darts", NNI),
        (
            "nni_darts",
            {**{key: v[0] if isinstance(v, list) else v for key, v in NNI.items()}, "width": 36, "depth": 20},
        ),
    ],
)
def test_darts_v2_as_each_tool_writes_it(name: str, value: Any) -> None:
    assert DARTS.parse(value, name).architecture == V2


def test_darts_v2_is_written_as_each_tool_writes_it() -> None:
    assert DARTS.formats["naslib_darts_compact"].write(V2) == as_lists(COMPACT)
    assert DARTS.formats["naslib_darts_compact_old"].write(V2) == OLD
    assert DARTS.formats["nni_darts"].write(V2) == NNI
    assert DARTS.formats["darts_genotype_repr"].write(V2) == GENOTYPES["DARTS_V2"]
    assert DARTS.formats["darts_json"].write(V2) == json.loads(V2.canonical)


def test_published_genotypes_are_written_as_they_were_published() -> None:
    for text in GENOTYPES.values():
        assert DARTS.formats["darts_genotype_repr"].write(DARTS.parse(text).architecture) == text


def test_a_configuration_is_darts_v2_in_order_and_the_rest_of_it_is_ignored() -> None:
    assert DARTS.parse(NB301).architecture == V2.in_order != V2
    assert DARTS.parse(NB301 | BESIDE).architecture == V2.in_order
    # An edge that no node reads is not there.
    assert DARTS.parse(NB301 | {f"{DARTS_KEY}edge_normal_4": "avg_pool_3x3"}).architecture == V2.in_order
    assert DARTS.formats["nb301_config"].write(V2.in_order) == NB301


def test_the_order_that_a_configuration_would_lose_is_told() -> None:
    assert losses_of(V2, "nb301_config") == [
        ("normal[4] and [5]", "the order of inputs 1, 0 would be lost"),
        ("reduce[2] and [3]", "the order of inputs 2, 1 would be lost"),
        ("reduce[6] and [7]", "the order of inputs 2, 1 would be lost"),
    ]


def test_two_edges_from_one_input_are_lost_in_a_configuration() -> None:
    twice = CellGenotype((("sep_conv_3x3", 0), ("skip_connect", 0), *V2.normal.pairs[2:]), V2.normal.concat).in_order
    genotype = changed(normal=twice, reduce=V2.reduce.in_order)
    assert losses_of(genotype, "nb301_config") == [("normal[0] and [1]", "one of two pairs from input 0 would be lost")]
    # The others hold it.
    for name in ("naslib_darts_compact", "nni_darts", "darts_genotype_repr"):
        assert DARTS.parse(DARTS.formats[name].write(genotype), name).architecture == genotype


def test_operations_without_a_number_are_lost() -> None:
    pairs = (("none", 0), ("sep_conv_7x7", 1), *V2.normal.pairs[2:])
    genotype = changed(normal=CellGenotype(pairs, V2.normal.concat))
    seven = [("normal[1]", "operation 'sep_conv_7x7' would be lost")]
    assert losses_of(genotype, "naslib_darts_compact") == [("normal[0]", "operation 'none' would be lost"), *seven]
    assert losses_of(genotype, "naslib_darts_compact_old") == seven
    # All that would be lost is told at once.
    assert losses_of(genotype, "nb301_config") == [
        ("normal[0]", "operation 'none' would be lost"),
        *seven,
        *losses_of(V2, "nb301_config"),
    ]


def test_other_shapes_are_lost() -> None:
    normal, reduce = V2.in_order.normal, V2.in_order.reduce
    small = Genotype(CellGenotype(normal.pairs[:4], (2, 3)), reduce)
    wide = Genotype(normal, CellGenotype(reduce.pairs, (5, 4, 3, 3)))
    for name in ("naslib_darts_compact", "naslib_darts_compact_old", "nb301_config"):
        assert losses_of(small, name) == [("normal", "it has 2 nodes")]
        assert losses_of(wide, name) == [("reduce_concat", "the output [5, 4, 3, 3] would be lost")]
    # NNI writes any number of nodes, but no output.
    assert DARTS.parse(DARTS.formats["nni_darts"].write(small)).architecture == small
    assert losses_of(wide, "nni_darts") == [("reduce_concat", "the output [5, 4, 3, 3] would be lost")]


def test_the_croze_samplers_genotypes_fit_their_own_forms_alone() -> None:
    genotype = DARTS.parse(GENOTYPES["CROZE_CIFAR10"]).architecture
    fitting = []
    for name, form in DARTS.formats.items():
        try:
            form.write(genotype)
        except LossyConversion:
            continue
        fitting.append(name)
    assert fitting == ["darts_genotype_repr", "darts_json"]


@pytest.mark.parametrize("value", [COMPACT, as_lists(COMPACT), repr(COMPACT)])
def test_a_compact_form_does_not_say_whether_it_is_old(value: Any) -> None:
    with pytest.raises(AmbiguousFormat) as raised:
        read(DARTS, value)
    new, old = raised.value.faults
    assert 'as naslib_darts_compact it is \'{"normal":[["sep_conv_3x3",0]' in new.problem
    assert 'as naslib_darts_compact_old it is \'{"normal":[["skip_connect",0]' in old.problem


def test_a_number_that_only_the_old_form_has_is_not_guessed_either() -> None:
    with pytest.raises(AmbiguousFormat) as raised:
        read(DARTS, as_lists([[(0, 7)] * 8, [(0, 7)] * 8]))
    assert [fault.repair for fault in raised.value.faults] == ["send 'naslib_darts_compact_old'"]


def test_the_class_is_that_of_all_orders_of_pairs() -> None:
    assert DARTS.isomorphism is not None
    swapped = parse_json(json.loads(V2.canonical) | {"normal": [*map(list, (V2.normal.pairs[1], V2.normal.pairs[0])),
                                                                *map(list, V2.normal.pairs[2:])]})  # fmt: skip
    assert swapped != V2
    assert DARTS.isomorphism(swapped) == DARTS.isomorphism(V2) == V2.in_order.canonical
    assert DARTS.isomorphism(DARTS.parse(GENOTYPES["DARTS_V1"]).architecture) != V2.in_order.canonical


@pytest.mark.parametrize(
    ("name", "value", "at", "problem"),
    [
        ("naslib_darts_compact", [COMPACT[0]], "architecture", "is not a list of two cells"),
        ("naslib_darts_compact", [COMPACT[0], COMPACT[1][:7]], "reduce", "is not a list of 8 pairs"),
        ("naslib_darts_compact", [((2, 0), *COMPACT[0][1:]), COMPACT[1]], "normal[0]", "input 2 is out of range"),
        ("naslib_darts_compact", [((0, 7), *COMPACT[0][1:]), COMPACT[1]], "normal[0]", "operation 7 does not exist"),
        ("naslib_darts_compact", [((0, True), *COMPACT[0][1:]), COMPACT[1]], "normal[0]", "operation True does not"),
        ("naslib_darts_compact", [((0,), *COMPACT[0][1:]), COMPACT[1]], "normal[0]", "is not a pair"),
        ("nb301_config", {}, f"{DARTS_KEY}edge_normal_0", "it is missing"),
        ("nb301_config", NB301 | {f"{DARTS_KEY}edge_normal_14": "none"}, "architecture", "does not exist"),
        ("nb301_config", NB301 | {f"{DARTS_KEY}edge_normal_0": "none"}, f"{DARTS_KEY}edge_normal_0",
         "operation 'none' does not exist"),
        ("nb301_config", NB301 | {f"{DARTS_KEY}inputs_node_reduce_3": "1_1"}, f"{DARTS_KEY}inputs_node_reduce_3",
         "inputs '1_1' do not exist"),
        ("nb301_config", NB301 | {f"{DARTS_KEY}inputs_node_normal_5": "1_2"}, f"{DARTS_KEY}edge_normal_10",
         "it is missing"),
        ("nni_darts", NNI | {"normal/op_6_0": "none"}, "normal/input_6_0", "it is missing"),
        ("nni_darts", NNI | {"normal/op_02_0": "none"}, "architecture", "key 'normal/op_02_0' does not exist"),
        ("nni_darts", NNI | {"normal/op_66_0": "none"}, "architecture", "key 'normal/op_66_0' does not exist"),
        ("nni_darts", NNI | {"normal/input_2_0": [2]}, "normal/input_2_0", "input [2] does not exist"),
        ("nni_darts", NNI | {"normal/input_2_0": [0, 1]}, "normal/input_2_0", "input [0, 1] does not exist"),
        ("nni_darts", NNI | {"reduce/op_2_1": "conv_1x1"}, "reduce/op_2_1", "operation 'conv_1x1' does not exist"),
        ("nni_darts", {"normal/op_2_0": "none"}, "normal/input_2_0", "it is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(name: str, value: Any, at: str, problem: str) -> None:
    with pytest.raises(InvalidArchitecture) as raised:
        DARTS.parse(value, name)
    fault = raised.value.faults[0]
    assert (fault.at, bool(fault.repair)) == (at, True)
    assert problem in fault.problem
