"""What can reach what in a cell."""

from __future__ import annotations

from itertools import product

import pytest

from proxy.spaces.nasbench201.genotype import EDGES, OPERATIONS, Cell


def test_canonical_form_is_the_official_string() -> None:
    cell = Cell(("avg_pool_3x3", "skip_connect", "none", "nor_conv_1x1", "avg_pool_3x3", "nor_conv_1x1"))
    assert cell.canonical == ("|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|")


def test_341_cells_are_cut_off_from_their_input_and_140_of_them_still_convolve() -> None:
    """The second number is that of such cells whose published CRoZe score is not zero: biases reach the output."""
    cut_off = [cell for cell in map(Cell, product(OPERATIONS, repeat=6)) if not cell.connected]
    emitting = [
        cell
        for cell in cut_off
        if any(
            edge in cell.live_edges and "conv" in operation
            for edge, operation in zip(EDGES, cell.operations, strict=True)
        )
    ]
    assert (len(cut_off), len(emitting)) == (341, 140)


def test_an_edge_out_of_a_node_of_zeros_is_live() -> None:
    cell = Cell(("none", "none", "none", "none", "nor_conv_3x3", "avg_pool_3x3"))
    assert cell.live_edges == ((3, 1), (3, 2))
    assert not cell.connected


def test_an_edge_into_a_dead_end_is_not_live() -> None:
    cell = Cell(("nor_conv_3x3", "none", "nor_conv_3x3", "skip_connect", "none", "none"))
    assert cell.live_edges == ((3, 0),)
    assert cell.connected


@pytest.mark.parametrize("operations", [("none",) * 5, ("none",) * 5 + ("conv_3x3",)])
def test_cells_that_do_not_exist_cannot_be_made(operations: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        Cell(operations)


def test_fed_edges_carry_something_of_the_input() -> None:
    # Node 1 is zero; what its convolution makes of that is a constant, whatever the image.
    cell = Cell(("none", "skip_connect", "nor_conv_3x3", "none", "nor_conv_3x3", "nor_conv_1x1"))
    assert cell.live_edges == ((2, 0), (2, 1), (3, 1), (3, 2))
    assert cell.fed_edges == ((2, 0), (3, 2))


def test_a_cell_is_connected_exactly_if_a_fed_edge_enters_its_output() -> None:
    for cell in map(Cell, product(OPERATIONS, repeat=6)):
        assert any(target == 3 for target, _ in cell.fed_edges) == cell.connected
