from __future__ import annotations

import pytest

from proxy.bench.rows import DARTS_V2, QUICK_RANDOM_CELLS, RANDOM_CELLS, ROWS, Row, at_width, live_macs, quick
from proxy.data.spec import Batch
from proxy.spaces import get_space
from proxy.spaces.nasbench201.genotype import EDGES, Cell
from tests.proxy.spaces.darts.published import GENOTYPES

NB201 = ROWS["nb201_mean"].settings


def macs(batch: Batch, *operations: str) -> int:
    return live_macs("nasbench201", Cell(operations), NB201, batch.image)


def test_the_rows_are_those_that_were_promised() -> None:
    assert [*ROWS] == ["nb201_all_conv3x3", "nb201_mean", "nb201_all_skip", "darts_v2_16x8", "darts_v2_36x20"]
    assert GENOTYPES["DARTS_V2"] == DARTS_V2
    assert len({*ROWS["nb201_mean"].architectures}) == RANDOM_CELLS


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.name)
def test_settings_are_complete(row: Row) -> None:
    assert get_space(row.space).complete_settings(row.settings, 10) == row.settings


def test_arithmetic_of_three_forward_backward_passes(batch: Batch) -> None:
    # By hand: six 3x3 convolutions in each of 15 cells, the same number of operations in every stage; the stem; and
    # in each reduction 1x1, 3x3 and 3x3, the last two with half and all of the channels going in.
    convolution = 16 * 16 * 9 * 32 * 32
    reductions = 2 * (convolution // 9 // 2 + convolution // 2 + convolution)
    total = 90 * convolution + 3 * 16 * 9 * 32 * 32 + reductions + 64 * 10
    assert ROWS["nb201_all_conv3x3"].gflop(batch.image, 8) == pytest.approx(total * 2 * 9 * 8 / 1e9, rel=1e-12)


def test_only_what_is_fed_and_reaches_the_output_counts(batch: Batch) -> None:
    skip, conv, none = "skip_connect", "nor_conv_3x3", "none"
    alone = macs(batch, none, none, none, skip, none, none)
    assert macs(batch, conv, none, none, skip, none, none) == alone, "node 1 is read by nobody"
    assert macs(batch, none, none, none, skip, conv, none) == alone, "node 1 is zero"
    assert macs(batch, conv, none, none, skip, skip, none) > alone
    assert macs(batch, conv, conv, none, none, none, none) == 0
    assert len(EDGES) == 6


def test_quick_rows_are_a_part_of_the_full_ones() -> None:
    row = ROWS["nb201_mean"]
    assert quick(row).genotypes == row.genotypes[:QUICK_RANDOM_CELLS]
    assert str(QUICK_RANDOM_CELLS) in quick(row).about
    assert all(quick(each).rounds <= each.rounds for each in ROWS.values())


def test_another_width_is_told(batch: Batch) -> None:
    row = ROWS["darts_v2_16x8"]
    narrow = at_width(row, 4)
    assert narrow.settings == {**row.settings, "channels": 4}
    assert "4 channels instead" in narrow.about
    assert narrow.gflop(batch.image, 8) < row.gflop(batch.image, 8)
