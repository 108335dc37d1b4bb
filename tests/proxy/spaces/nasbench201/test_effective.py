"""Which of the 15,625 cells have the same network without batch norm, and so the same score."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

from proxy.data.spec import Batch
from proxy.scorer import Scorer
from proxy.spaces.nasbench201.genotype import Cell
from proxy.spaces.nasbench201.index import official_cells
from tests.proxy.architectures import task_of


def test_as_many_networks_as_the_trials_found() -> None:
    # 10,405: counted by two independent implementations when this project was planned.
    assert len({cell.effective for cell in official_cells()}) == 10_405


def test_a_convolution_of_zeros_stays_and_a_pool_of_zeros_goes() -> None:
    assert Cell(("none", "nor_conv_3x3", "avg_pool_3x3", "none", "nor_conv_1x1", "skip_connect")).effective == Cell(
        ("none", "nor_conv_3x3", "none", "none", "nor_conv_1x1", "skip_connect")
    )
    assert Cell(("skip_connect", "none", "none", "none", "none", "skip_connect")).effective == Cell(("none",) * 6)


def test_cells_of_one_network_have_the_same_score_bit_for_bit(batch: Batch, scorer: Scorer) -> None:
    alike: dict[Cell, list[Cell]] = defaultdict(list)
    for cell in official_cells():
        alike[cell.effective].append(cell)
    shared = random.Random(0).sample([cells for cells in alike.values() if len(cells) > 1], 12)
    for cells in shared:
        tasks = [task_of("nasbench201", cell.canonical, batch) for cell in (cells[0], cells[-1])]
        for precision in ("float64", "float32"):
            first, last = (scorer.score(replace(task, precision=precision), batch)[0] for task in tasks)
            assert (first.value, first.components) == (last.value, last.components)
