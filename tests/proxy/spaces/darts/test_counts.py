"""Closed-form counts, against published numbers and by hand."""

from __future__ import annotations

import pytest

from proxy.spaces._base import ImageShape
from proxy.spaces.darts import DARTS
from proxy.spaces.darts.counts import counts, peak_numbers
from proxy.spaces.darts.genotype import OPERATIONS, CellGenotype, Genotype
from tests.proxy.spaces.contracts import IMAGE
from tests.proxy.spaces.darts.published import GENOTYPES

PUBLISHED = {"channels": 36, "layers": 20, "classes": 10}
SMALL = {"channels": 4, "layers": 3, "classes": 2}


@pytest.mark.parametrize(
    ("name", "params", "millions"),
    [
        ("DARTS_V2", 3_349_342, "3.3"),  # README of quark0/darts
        ("PCDARTS_CIFAR", 3_634_678, "3.6"),  # Table 1 of PC-DARTS, arXiv:1907.05737
    ],
)
def test_params_of_published_networks(name: str, params: int, millions: str) -> None:
    counted = counts(DARTS.parse(GENOTYPES[name]).architecture, PUBLISHED, IMAGE)
    assert counted.params == params
    assert f"{counted.params / 1e6:.1f}" == millions


def genotype_of(operation: str) -> Genotype:
    return Genotype(*[CellGenotype(((operation, 0), (operation, 1)), (2,))] * 2)


#: (params, MACs) of one operation in a reduction cell of 8 channels that brings 4x4 to 2x2, by hand.
BY_HAND = {
    "none": (0, 0),
    "max_pool_3x3": (0, 0),
    "avg_pool_3x3": (0, 0),
    "skip_connect": (64 + 16, 64 * 4),
    "sep_conv_3x3": (2 * (72 + 64 + 16), 2 * (72 + 64) * 4),
    "sep_conv_5x5": (2 * (200 + 64 + 16), 2 * (200 + 64) * 4),
    "sep_conv_7x7": (2 * (392 + 64 + 16), 2 * (392 + 64) * 4),
    "dil_conv_3x3": (72 + 64 + 16, (72 + 64) * 4),
    "dil_conv_5x5": (200 + 64 + 16, (200 + 64) * 4),
    "conv_7x1_1x7": (2 * 448 + 16, 448 * 8 + 448 * 4),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_counted_by_hand(operation: str) -> None:
    """One layer is one reduction cell of twice the channels: 3C = 12 into 2C = 8."""
    settings, image = {"channels": 4, "layers": 1, "classes": 2}, ImageShape(3, 4, 4)
    counted = counts(genotype_of(operation), settings, image)
    params, macs = BY_HAND[operation]
    stem, preprocess, classifier = 3 * 12 * 9 + 24, 12 * 8 + 16, 8 * 2 + 2
    assert counted.params == stem + 2 * preprocess + 2 * params + classifier
    assert counted.macs == 3 * 12 * 9 * 16 + 2 * 12 * 8 * 16 + 2 * macs + 16


def test_duplicates_in_the_concatenation_widen_the_next_cells() -> None:
    once = genotype_of("sep_conv_3x3")
    cell = CellGenotype(once.normal.pairs, (2, 2))
    assert counts(Genotype(cell, cell), SMALL, IMAGE).params > counts(once, SMALL, IMAGE).params


@pytest.mark.parametrize("layers", range(1, 13))
def test_params_and_memory_grow_with_depth(layers: int) -> None:
    genotype = DARTS.parse(GENOTYPES["DARTS_V1"]).architecture
    fewer, more = {**SMALL, "layers": layers}, {**SMALL, "layers": layers + 1}
    assert peak_numbers(genotype, fewer, IMAGE)[0] < peak_numbers(genotype, more, IMAGE)[0]
