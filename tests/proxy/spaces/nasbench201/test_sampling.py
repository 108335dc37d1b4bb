"""Cells that a search draws, and their neighbours."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.spaces.nasbench201.genotype import EDGES, OPERATIONS, Cell
from proxy.spaces.nasbench201.sampling import SAMPLERS, draw, move

CELLS = st.tuples(*[st.sampled_from(OPERATIONS) for _ in EDGES]).map(Cell)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


@settings(deadline=None)
@given(CELLS, SEEDS)
def test_a_move_changes_one_operation(cell: Cell, seed: int) -> None:
    changed = zip(cell.operations, move(cell, Random(seed)).operations, strict=True)
    assert sum(before != after for before, after in changed) == 1


def test_moves_reach_all_24_neighbours_alike() -> None:
    rng, cell = Random(0), Cell(OPERATIONS[:1] * 6)
    found = Counter(move(cell, rng) for _ in range(4_800))
    assert len(found) == 24
    assert 140 < min(found.values()) <= max(found.values()) < 260


def test_draws_reach_every_operation_of_every_edge_alike() -> None:
    rng = Random(0)
    found = Counter((edge, op) for _ in range(5_000) for edge, op in enumerate(draw(rng).operations))
    assert len(found) == len(EDGES) * len(OPERATIONS)
    assert 850 < min(found.values()) <= max(found.values()) < 1_150


def test_a_seed_is_for_ever() -> None:
    """Searches that were begun with another release of Python or of this can be gone on with."""
    rng = Random(42)
    drawn = [draw(rng), draw(rng)]
    moved = [move(drawn[1], rng)]
    assert [cell.canonical for cell in drawn + moved] == [
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "|avg_pool_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|skip_connect~1|nor_conv_1x1~2|",
        "|none~0|+|none~0|nor_conv_1x1~1|+|none~0|skip_connect~1|nor_conv_1x1~2|",
    ]


def test_everything_is_the_whole_space() -> None:
    (sampler,) = SAMPLERS
    assert sampler.everything is not None
    assert len(sampler.everything()) == len(OPERATIONS) ** len(EDGES)
