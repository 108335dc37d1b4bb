"""What is measured, and how much arithmetic it takes. Torch-free."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from proxy.spaces import get_space
from proxy.spaces._base import ImageShape, Settings
from proxy.spaces.darts.counts import counts as darts_counts
from proxy.spaces.darts.genotype import Genotype
from proxy.spaces.nasbench201.counts import counts as nasbench201_counts
from proxy.spaces.nasbench201.genotype import EDGES, Cell
from proxy.spaces.nasbench201.index import SIZE

#: A forward pass does each multiply-accumulate once, the backward pass twice: for the gradient of a layer's input, and
#: for that of its weight. CRoZe makes three such pairs of passes, and one multiply-accumulate is two operations.
FLOPS_PER_MAC: Final = 2 * 3 * 3

#: Liu, Simonyan, Yang (ICLR 2019): the published cell of second-order DARTS on CIFAR-10.
DARTS_V2: Final = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=[2, 3, 4, 5], "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), "
    "('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])"
)
RANDOM_CELLS: Final = 200
QUICK_RANDOM_CELLS: Final = 12
CLASSES: Final = 10


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    about: str
    space: str
    settings: Mapping[str, int]
    genotypes: tuple[str, ...]
    """Measured one by one; the row is their mean."""
    rounds: int
    """How often each is measured in every way, in turn. The fastest counts."""
    rough_seconds: float
    """Of one round of one genotype; for the progress bar alone."""

    @cached_property
    def architectures(self) -> tuple[Any, ...]:
        """The genotypes, read."""
        return tuple(get_space(self.space).parse(genotype).architecture for genotype in self.genotypes)

    def gflop(self, image: ImageShape, images: int) -> float:
        """Arithmetic that a score needs, mean of the architectures, in 10**9 operations (`live_macs`)."""
        macs = [live_macs(self.space, each, self.settings, image) for each in self.architectures]
        return FLOPS_PER_MAC * images * sum(macs) / len(macs) / 1e9


def live_macs(space: str, architecture: Any, settings: Settings, image: ImageShape) -> int:
    """Multiply-accumulates for one image in what is fed by the image and reaches the output.

    Convolutions and the linear layer count; biases, batch norms, ReLUs, poolings and sums do not. From the closed form
    of the space (`Space.counts`), of the architecture without its dead parts. The gradient of the image, which one of
    the three passes needs, is counted in all three: 1 % of a NAS-Bench-201 network of skips, less of any other.
    """
    return _LIVE_MACS[space](architecture, settings, image)


def _nasbench201(cell: Cell, settings: Settings, image: ImageShape) -> int:
    if not cell.connected:
        return 0  # a few biases reach the output
    fed = [
        operation if edge in cell.fed_edges else "none" for edge, operation in zip(EDGES, cell.operations, strict=True)
    ]
    return nasbench201_counts(Cell(tuple(fed)), settings, image).macs


def _darts(genotype: Genotype, settings: Settings, image: ImageShape) -> int:
    for cell in (genotype.normal, genotype.reduce):
        assert all(cell.live_pairs), "only genotypes without dead parts are measured"
        assert all(cell.live_inputs), "only genotypes without dead parts are measured"
    return darts_counts(genotype, settings, image).macs


_LIVE_MACS: Final[dict[str, Callable[[Any, Settings, ImageShape], int]]] = {
    "nasbench201": _nasbench201,
    "darts": _darts,
}


def _everywhere(operation: str) -> str:
    return Cell((operation,) * len(EDGES)).canonical


def _random_cells(number: int) -> tuple[str, ...]:
    """The same ones always; a smaller number is the beginning of a larger one."""
    return tuple(f"index:{index}" for index in random.Random(0).sample(range(SIZE), RANDOM_CELLS)[:number])  # noqa: S311


_NB201: Final = {"channels": 16, "cells": 5, "classes": CLASSES}
ROWS: Final[dict[str, Row]] = {
    row.name: row
    for row in (
        Row(
            name="nb201_all_conv3x3",
            about="NAS-Bench-201, 3x3 convolutions on all edges",
            space="nasbench201",
            settings=_NB201,
            genotypes=(_everywhere("nor_conv_3x3"),),
            rounds=5,
            rough_seconds=4.5,
        ),
        Row(
            name="nb201_mean",
            about=f"NAS-Bench-201, mean of {RANDOM_CELLS} random cells",
            space="nasbench201",
            settings=_NB201,
            genotypes=_random_cells(RANDOM_CELLS),
            rounds=1,
            rough_seconds=1.6,
        ),
        Row(
            name="nb201_all_skip",
            about="NAS-Bench-201, skip connections on all edges",
            space="nasbench201",
            settings=_NB201,
            genotypes=(_everywhere("skip_connect"),),
            rounds=9,
            rough_seconds=0.7,
        ),
        Row(
            name="darts_v2_16x8",
            about="DARTS_V2, 16 channels, 8 cells",
            space="darts",
            settings={"channels": 16, "layers": 8, "classes": CLASSES},
            genotypes=(DARTS_V2,),
            rounds=5,
            rough_seconds=5,
        ),
        Row(
            name="darts_v2_36x20",
            about="DARTS_V2, 36 channels, 20 cells",
            space="darts",
            settings={"channels": 36, "layers": 20, "classes": CLASSES},
            genotypes=(DARTS_V2,),
            rounds=3,
            rough_seconds=45,
        ),
    )
}


def quick(row: Row) -> Row:
    """The same row, less carefully: one or two rounds, and a few of the random cells."""
    few = row.genotypes[:QUICK_RANDOM_CELLS]
    about = row.about.replace(str(RANDOM_CELLS), str(len(few)))
    return replace(row, about=about, genotypes=few, rounds=1 if row.rounds <= 3 else 2)


def at_width(row: Row, channels: int) -> Row:
    """The same row at another width."""
    about = f"{row.about}; at {channels} channels instead"
    return replace(row, about=about, settings={**row.settings, "channels": channels})
