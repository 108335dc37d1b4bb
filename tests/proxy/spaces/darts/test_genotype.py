"""What can reach what in a cell and in a network."""

from __future__ import annotations

import pytest

from proxy.spaces.darts.genotype import CellGenotype, Genotype, Pair, is_reduction

BOTH = CellGenotype((("sep_conv_3x3", 0), ("sep_conv_3x3", 1)), (2,))
JUMP = CellGenotype((("sep_conv_3x3", 0), ("none", 1)), (2,))
STEP = CellGenotype((("none", 0), ("skip_connect", 1)), (2,))
NOTHING = CellGenotype((("none", 0), ("none", 1)), (2,))


def test_canonical_form_keeps_the_order_of_pairs_and_duplicates() -> None:
    swapped = CellGenotype((("none", 1), ("sep_conv_3x3", 0)), (2, 2))
    assert Genotype(swapped, JUMP).canonical == (
        '{"normal":[["none",1],["sep_conv_3x3",0]],"normal_concat":[2,2],'
        '"reduce":[["sep_conv_3x3",0],["none",1]],"reduce_concat":[2]}'
    )
    assert Genotype(JUMP, JUMP) != Genotype(swapped, JUMP)


def test_none_and_unread_nodes_cut_what_feeds_them() -> None:
    cell = CellGenotype(
        (("sep_conv_3x3", 0), ("none", 1), ("dil_conv_3x3", 1), ("none", 2), ("skip_connect", 2), ("none", 3)), (4,)
    )
    assert cell.nodes == 3
    assert cell.live_pairs == (True, False, False, False, True, False)
    assert cell.live_inputs == (True, False)
    assert cell.live_states == {0, 2, 4}


@pytest.mark.parametrize(("layers", "reductions"), [(1, [0]), (2, [0, 1]), (3, [1, 2]), (8, [2, 5]), (20, [6, 13])])
def test_reductions_are_at_a_third_and_two_thirds(layers: int, reductions: list[int]) -> None:
    assert [index for index in range(layers) if is_reduction(index, layers)] == reductions


@pytest.mark.parametrize(
    ("normal", "reduce", "layers", "live", "connected"),
    [
        (BOTH, BOTH, 4, "1111", True),
        (JUMP, BOTH, 4, "1101", True),
        (JUMP, JUMP, 5, "10101", True),
        (STEP, STEP, 3, "111", True),
        # Reductions at 1 and 2: the last cell jumps over the second and meets the first.
        (JUMP, NOTHING, 4, "0101", False),
        # Reductions at 2 and 4: the last cell jumps over the second, cell 3 over the first.
        (JUMP, NOTHING, 6, "010101", True),
        (BOTH, NOTHING, 3, "001", False),
        (NOTHING, BOTH, 4, "0001", False),
    ],
)
def test_cells_that_reach_the_classifier(
    normal: CellGenotype, reduce: CellGenotype, layers: int, live: str, connected: bool
) -> None:
    genotype = Genotype(normal, reduce)
    assert genotype.live_cells(layers) == tuple(flag == "1" for flag in live)
    assert genotype.connected(layers) is connected


@pytest.mark.parametrize(
    ("pairs", "concat"),
    [
        ((), (2,)),
        ((("none", 0),), (2,)),
        ((("none", 0), ("none", 2)), (2,)),
        ((("none", 0), ("conv", 0)), (2,)),
        ((("none", 0), ("none", 0)), ()),
        ((("none", 0), ("none", 0)), (1,)),
        ((("none", 0), ("none", 0)), (3,)),
    ],
)
def test_cells_that_do_not_exist_cannot_be_made(pairs: tuple[Pair, ...], concat: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError):
        CellGenotype(pairs, concat)
