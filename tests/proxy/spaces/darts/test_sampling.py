"""Genotypes that a search draws, and their neighbours."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.spaces.darts import DARTS
from proxy.spaces.darts.genotype import CellGenotype
from proxy.spaces.darts.sampling import (
    INPUTS_14,
    JOINED_14,
    OPERATIONS_8,
    OPERATIONS_14,
    SAMPLERS,
    draw_8,
    draw_14,
    draw_cell_8,
    move_8,
    move_14,
    move_cell_8,
)
from tests.proxy.spaces.darts.published import GENOTYPES

SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


def check_cell_8(cell: CellGenotype) -> None:
    """Liu et al.: four nodes of two operations each on different states; written in the order of those."""
    assert len(cell.pairs) == 8
    assert cell.concat == (2, 3, 4, 5)
    assert all(operation in OPERATIONS_8 for operation, _ in cell.pairs)
    for first in range(0, 8, 2):
        (_, one), (_, other) = cell.pairs[first : first + 2]
        assert one < other < 2 + first // 2


def check_cell_14(cell: CellGenotype) -> None:
    assert tuple(source for _, source in cell.pairs) == INPUTS_14 == (0, 1, 0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4)
    assert all(operation in OPERATIONS_14 for operation, _ in cell.pairs)
    assert 1 <= len(cell.concat) <= 4
    assert all(state in JOINED_14 for state in cell.concat)


def changed_operations(before: CellGenotype, after: CellGenotype) -> int:
    return sum(one != other for one, other in zip(before.pairs, after.pairs, strict=True))


@settings(deadline=None)
@given(SEEDS)
def test_walks_of_pairs8_stay_among_what_it_draws(seed: int) -> None:
    rng = Random(seed)
    walk = [draw_8(rng)]
    for _ in range(30):
        walk.append(move_8(walk[-1], rng))
    for genotype in walk:
        check_cell_8(genotype.normal)
        check_cell_8(genotype.reduce)
        assert genotype.in_order == genotype, "no cell is written in two ways"


@settings(deadline=None)
@given(SEEDS)
def test_a_move_of_pairs8_changes_one_pair_of_one_cell(seed: int) -> None:
    rng = Random(seed)
    before = draw_8(rng)
    after = move_8(before, rng)
    changed = [
        (one.pairs, other.pairs)
        for one, other in ((before.normal, after.normal), (before.reduce, after.reduce))
        if one != other
    ]
    ((old, new),) = changed
    lost = Counter((position // 2, pair) for position, pair in enumerate(old))
    lost -= Counter((position // 2, pair) for position, pair in enumerate(new))
    assert lost.total() == 1
    assert Counter(source for _, source in old) == Counter(source for _, source in new) or Counter(
        operation for operation, _ in old
    ) == Counter(operation for operation, _ in new), "an operation or an input, not both"


def test_pairs8_reaches_every_choice() -> None:
    rng = Random(0)
    drawn = Counter((place, pair) for _ in range(4_000) for place, pair in enumerate(draw_cell_8(rng).pairs))
    cell, moved = draw_cell_8(rng), Counter[tuple[int, tuple[str, int]]]()
    for _ in range(8_000):
        cell = move_cell_8(cell, rng)
        moved.update(enumerate(cell.pairs))
    # Of a node with n inputs the first pair reads all but the last, the second all but the first.
    choices = sum(2 * (inputs - 1) * len(OPERATIONS_8) for inputs in (2, 3, 4, 5))
    assert len(drawn) == len(moved) == choices


@settings(deadline=None)
@given(SEEDS)
def test_walks_of_pairs14_stay_among_what_it_draws(seed: int) -> None:
    rng = Random(seed)
    genotype = draw_14(rng)
    assert len(genotype.normal.concat) == len(genotype.reduce.concat)
    for _ in range(30):
        check_cell_14(genotype.normal)
        check_cell_14(genotype.reduce)
        genotype = move_14(genotype, rng)


def test_a_move_of_pairs14_changes_one_operation_of_each_cell_and_at_most_one_concatenation() -> None:
    rng = Random(0)
    walk = [draw_14(rng)]
    for _ in range(3_000):
        walk.append(move_14(walk[-1], rng))
    joined_anew = Counter[str]()
    for before, after in pairwise(walk):
        assert changed_operations(before.normal, after.normal) == 1
        assert changed_operations(before.reduce, after.reduce) == 1
        normal, reduce = before.normal.concat != after.normal.concat, before.reduce.concat != after.reduce.concat
        assert not (normal and reduce)
        joined_anew["normal" if normal else "reduce" if reduce else "none"] += 1
    assert all(joined_anew[each] > 800 for each in ("normal", "reduce", "none"))


def test_pairs14_reaches_every_choice() -> None:
    rng = Random(0)
    drawn = [draw_14(rng) for _ in range(1_000)]
    operations = {(place, op) for genotype in drawn for place, (op, _) in enumerate(genotype.reduce.pairs)}
    assert len(operations) == 14 * len(OPERATIONS_14)
    concats = [genotype.normal.concat for genotype in drawn]
    joined = {(len(concat), place, state) for concat in concats for place, state in enumerate(concat)}
    assert len(joined) == len(JOINED_14) * (1 + 2 + 3 + 4)


def test_what_the_authors_publish_is_of_this_kind() -> None:
    found = [DARTS.parse(value).architecture for value in GENOTYPES.values()]
    of_14 = [genotype for genotype in found if len(genotype.normal.pairs) == 14]
    assert of_14
    for genotype in of_14:
        check_cell_14(genotype.normal)
        check_cell_14(genotype.reduce)


@pytest.mark.parametrize(("name", "digest"), [("pairs8", "d925da34ba7bdb4f"), ("pairs14", "3f65120fb2a532f4")])
def test_a_seed_is_for_ever(name: str, digest: str) -> None:
    """Searches that were begun with another release of Python or of this can be gone on with."""
    (sampler,) = (each for each in SAMPLERS if each.name == name)
    rng, hasher = Random(42), sha256()
    genotype = sampler.draw(rng)
    for _ in range(100):
        hasher.update(genotype.canonical.encode())
        genotype = sampler.move(genotype, rng)
    assert hasher.hexdigest()[:16] == digest
