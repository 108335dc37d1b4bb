"""Architectures and tasks that tests score."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from proxy.data.spec import Batch
from proxy.spaces import SPACES, get_space
from proxy.spaces.darts.genotype import OPERATIONS as DARTS_OPERATIONS
from proxy.spaces.darts.genotype import CellGenotype, Genotype
from proxy.spaces.nasbench201.genotype import EDGES, Cell
from proxy.spaces.nasbench201.genotype import OPERATIONS as NB201_OPERATIONS
from proxy.task import ScoringTask

#: Small enough to score in milliseconds, deep enough to have every kind of layer, for every space there is.
SMALL: Mapping[str, Mapping[str, int]] = {
    name: {each.name: 10 if each.default is None else min(each.default, 4) for each in space.settings}
    for name, space in SPACES.items()
}


def task_of(
    space: str,
    architecture: Any,
    batch: Batch,
    *,
    settings: Mapping[str, int] | None = None,
    proxies: tuple[str, ...] = ("croze",),
    seed: int = 0,
    precision: str = "float64",
    layers: bool = False,
) -> ScoringTask:
    """A task as the service would make it of a request, at small settings unless told."""
    return ScoringTask(
        space=space,
        architecture=get_space(space).parse(architecture).architecture.canonical,
        settings=SMALL[space] if settings is None else settings,
        proxies=proxies,
        batch=batch.digest,
        seed=seed,
        precision=precision,
        layers=layers,
    )


def random_cell(rng: random.Random) -> Cell:
    return Cell(tuple(rng.choice(NB201_OPERATIONS) for _ in EDGES))


def random_genotype(rng: random.Random) -> Genotype:
    """Of two to five nodes a cell, with any concat: much of it may be cut off from the output."""
    return Genotype(_random_cell_genotype(rng), _random_cell_genotype(rng))


def _random_cell_genotype(rng: random.Random) -> CellGenotype:
    nodes = rng.randint(1, 4)
    pairs = tuple((rng.choice(DARTS_OPERATIONS), rng.randrange(2 + position // 2)) for position in range(2 * nodes))
    concat = tuple(rng.randint(2, nodes + 1) for _ in range(rng.randint(1, 3)))
    return CellGenotype(pairs, concat)
