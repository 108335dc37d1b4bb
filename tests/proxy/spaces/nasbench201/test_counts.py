"""Closed-form counts, against published numbers."""

from __future__ import annotations

import pytest

from proxy.spaces._base import ImageShape
from proxy.spaces.nasbench201.counts import counts
from proxy.spaces.nasbench201.genotype import Cell
from proxy.spaces.nasbench201.index import official_cells
from tests.proxy.spaces.contracts import IMAGE
from tests.proxy.spaces.nasbench201.published import ROWS

OFFICIAL = {"channels": 16, "cells": 5, "classes": 10}
COUNTED = [row for row in ROWS if row["params"]]
#: Elements of one tensor at every cell: 5 cells of 16x32x32, 32x16x16 and 64x8x8.
ELEMENTS = 5 * (16 * 32 * 32 + 32 * 16 * 16 + 64 * 8 * 8)


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: row["index"])
def test_params_are_the_published_ones(row: dict[str, str]) -> None:
    cell = official_cells()[int(row["index"])]
    assert counts(cell, OFFICIAL, IMAGE).params == round(float(row["params"]) * 1e6)


@pytest.mark.parametrize("row", COUNTED, ids=lambda row: row["index"])
def test_macs_are_the_published_flops_less_their_other_terms(row: dict[str, str]) -> None:
    """Published FLOPs add 3 per element for a convolution's ReLU and batch norm, 9 for a pooling, and a constant."""
    cell = official_cells()[int(row["index"])]
    convolutions = sum("conv" in operation for operation in cell.operations)
    poolings = cell.operations.count("avg_pool_3x3")
    others = (3 * convolutions + 9 * poolings) * ELEMENTS + 160_832
    # They are rounded to seven digits: at most 50 off.
    assert counts(cell, OFFICIAL, IMAGE).macs + others == pytest.approx(float(row["flops"]) * 1e6, abs=51)


def test_a_small_network_counted_by_hand() -> None:
    """Channels 1, 2, 4; one cell a stage; one 1x1 convolution a cell; 2 classes; images of 1x4x4."""
    cell = Cell(("none", "none", "none", "nor_conv_1x1", "none", "none"))
    counted = counts(cell, {"channels": 1, "cells": 1, "classes": 2}, ImageShape(1, 4, 4))
    stem, convolutions, last = 9 + 2, (1 + 2) + (4 + 4) + (16 + 8), 8
    reductions = (2 + 18 + 4 + 36 + 4) + (8 + 72 + 8 + 144 + 8)
    assert counted.params == stem + convolutions + reductions + last + (4 * 2 + 2)
    assert counted.macs == 9 * 16 + (16 + 4 * 4 + 16) + (2 + 18 + 36) * 4 + (8 + 72 + 144) + 8


def test_operations_that_cannot_reach_the_output_count() -> None:
    dead = Cell(("nor_conv_3x3", "none", "none", "skip_connect", "none", "none"))
    none = Cell(("none", "none", "none", "skip_connect", "none", "none"))
    assert counts(dead, OFFICIAL, IMAGE).params > counts(none, OFFICIAL, IMAGE).params
