"""Other tools' cells, by values that those tools write.

Provenance: `F1` and its index 2631 as in the official string format (AutoDL-Projects, NATS-Bench). F4: NASLib's
conversions.py. F5: CRoZe's get_spec_from_arch_str. F6: Syne Tune's blackbox, OptunaHub's nasbench201, NNI's nasbench201
and Archai's search space. The index list is held to the published one in test_index.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.errors import AmbiguousFormat, InvalidArchitecture
from proxy.spaces.nasbench201 import NASBENCH201
from proxy.spaces.nasbench201.genotype import EDGES, OUTPUT, Cell
from proxy.spaces.nasbench201.index import equivalence_classes, official_cells, official_index
from proxy.spaces.reading import read

F1 = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
OPERATIONS = ["avg_pool_3x3", "skip_connect", "none", "nor_conv_1x1", "avg_pool_3x3", "nor_conv_1x1"]
NNI = {
    "0_1": "avg_pool_3x3",
    "0_2": "skip_connect",
    "1_2": "none",
    "0_3": "conv_1x1",
    "1_3": "avg_pool_3x3",
    "2_3": "conv_1x1",
}
SYNE_TUNE = {f"hp_x{position}": operation for position, operation in enumerate(OPERATIONS)}
OPTUNAHUB = {f"Op{position}_index": number for position, number in enumerate([4, 1, 0, 2, 4, 2])}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nb201_str", F1),
        ("nats_tss_index", 2631),
        ("naslib_nb201", [4, 0, 3, 1, 4, 3]),
        ("naslib_nb201", "(4, 0, 3, 1, 4, 3)"),
        ("nb201_spec", [4, 1, 0, 2, 4, 2]),
        ("syne_tune_nb201", SYNE_TUNE),
        ("optunahub_nb201", OPTUNAHUB),
        ("nni_nb201", NNI),
        ("archai_nb201", "natsbench-tss-2631"),
    ],
)
def test_one_cell_as_each_tool_writes_it(name: str, value: Any) -> None:
    assert NASBENCH201.parse(value, name).architecture.canonical == F1
    # Text of a list is read, and a list is written.
    assert NASBENCH201.formats[name].write(NASBENCH201.parse(F1).architecture) in (value, [4, 0, 3, 1, 4, 3])


def test_indexes_of_published_cells() -> None:
    """The index is made by shuffling, without any benchmark file."""
    assert official_cells()[0].canonical == (
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    )
    assert official_cells()[12].canonical == "|none~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
    assert NASBENCH201.parse("natsbench-tss-12").architecture == official_cells()[12]


def test_six_integers_are_read_in_the_order_that_their_tag_says() -> None:
    six = [4, 0, 3, 1, 4, 3]
    assert official_index()[NASBENCH201.parse(six, "naslib_nb201").architecture.canonical] == 2631
    # Edges by target and the benchmark's own order of operations.
    assert official_index()[NASBENCH201.parse(six, "nb201_spec").architecture.canonical] == 2620
    # Edges by target and NASLib's order of operations: what nobody writes, and a mixed-up reader would read.
    naslib = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
    mixed_up = NASBENCH201.parse({f"hp_x{edge}": naslib[number] for edge, number in enumerate(six)}).architecture
    assert official_index()[mixed_up.canonical] == 15095


def test_all_cells_round_trip_through_every_format() -> None:
    for name, form in NASBENCH201.formats.items():
        written = json.loads(json.dumps([form.write(cell) for cell in official_cells()]))
        assert len({json.dumps(value) for value in written}) == 15_625
        assert [form.parse(value) for value in written] == list(official_cells()), name


@pytest.mark.parametrize("value", [SYNE_TUNE, OPTUNAHUB, NNI, "natsbench-tss-2631", F1, "index:2631"])
def test_what_says_what_it_is_needs_no_tag(value: Any) -> None:
    assert read(NASBENCH201, value).architecture.canonical == F1


@pytest.mark.parametrize("value", [2631, "2631", [4, 0, 3, 1, 4, 3], "(4, 0, 3, 1, 4, 3)", (4, 0, 3, 1, 4, 3)])
def test_what_does_not_is_never_guessed(value: Any) -> None:
    with pytest.raises(AmbiguousFormat, match="does not say what it is"):
        read(NASBENCH201, value)


def test_every_reading_of_six_integers_is_listed_with_the_cell_that_it_would_be() -> None:
    with pytest.raises(AmbiguousFormat) as raised:
        read(NASBENCH201, [4, 0, 3, 1, 4, 3])
    first, second = raised.value.faults
    assert f"as naslib_nb201 it is '{F1}', nasbench201_index 2631" in first.problem
    assert "as nb201_spec it is '|avg_pool_3x3~0|+|none~0|nor_conv_3x3~1|+" in second.problem
    assert "nasbench201_index 2620" in second.problem
    assert (first.repair, second.repair) == ("send 'naslib_nb201'", "send 'nb201_spec'")


@pytest.mark.parametrize(
    ("name", "value", "at", "problem"),
    [
        ("naslib_nb201", [4, 0, 3, 1, 4], "architecture", "is not a list of 6 integers"),
        ("naslib_nb201", "(4, 0, 3, 1, 4, x)", "architecture", "is not a list of 6 integers"),
        ("naslib_nb201", [4, 0, 5, 1, 4, 3], "[2], the edge from node 0 to 3", "operation 5 does not exist"),
        ("nb201_spec", [4, 0, -1, 1, 4, 3], "[2], the edge from node 1 to 2", "operation -1 does not exist"),
        ("nb201_spec", [4, 0, 1, True, 4, 3], "[3], the edge from node 0 to 3", "operation True does not exist"),
        ("nb201_spec", [4, 0, 1, 1.0, 4, 3], "[3], the edge from node 0 to 3", "operation 1.0 does not exist"),
        ("nni_nb201", NNI | {"0_1": "nor_conv_1x1"}, "0_1", "operation 'nor_conv_1x1' does not exist"),
        ("nni_nb201", {"0_2": "none"}, "0_1", "it is missing"),
        ("syne_tune_nb201", SYNE_TUNE | {"hp_x6": "none"}, "architecture", "key 'hp_x6' does not exist"),
        ("syne_tune_nb201", SYNE_TUNE | {"hp_x5": ["none"]}, "hp_x5", "operation ['none'] does not exist"),
        ("optunahub_nb201", OPTUNAHUB | {"Op1_index": True}, "Op1_index", "operation True does not exist"),
        ("optunahub_nb201", OPTUNAHUB | {"Op1_index": 1.0}, "Op1_index", "operation 1.0 does not exist"),
        ("optunahub_nb201", [4, 1, 0, 2, 4, 2], "architecture", "is not an object"),
        ("archai_nb201", "natsbench-tss-15625", "architecture", "index 15625 does not exist"),
        ("archai_nb201", "natsbench-tss-", "architecture", "is not an id of Archai's"),
        ("archai_nb201", "natsbench-tss-12\n13", "architecture", "is not an id of Archai's"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(name: str, value: Any, at: str, problem: str) -> None:
    with pytest.raises(InvalidArchitecture) as raised:
        NASBENCH201.parse(value, name)
    fault = raised.value.faults[0]
    assert fault.at == at
    assert problem in fault.problem
    assert fault.repair


def test_classes_are_names_of_the_published_partition() -> None:
    """Classes of equal function: 6,466 of 15,625 cells (the published partition itself is held in test_index.py)."""
    assert NASBENCH201.isomorphism is not None
    names = [NASBENCH201.isomorphism(cell) for cell in official_cells()]
    assert len(set(names)) == 6_466
    assert names == [str(name) for name in equivalence_classes()]


def test_simplifying_skips_alone_leaves_as_many_as_published() -> None:
    """12,751 (NAS-Bench-201, section on isomorphism): the other count that the authors give for their criterion."""

    def text(cell: Cell) -> str:
        nodes = ["0"]
        for node in range(1, OUTPUT + 1):
            into = [(source, op) for (to, source), op in zip(EDGES, cell.operations, strict=True) if to == node]
            terms = [nodes[source] if op == "skip_connect" else f"({nodes[source]})@{op}" for source, op in into]
            nodes.append("+".join(sorted(terms)))
        return nodes[OUTPUT]

    assert len({text(cell) for cell in official_cells()}) == 12_751


def test_cells_without_a_path_are_as_many_as_published() -> None:
    assert sum(not cell.connected for cell in official_cells()) == 341
