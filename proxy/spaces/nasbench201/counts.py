"""Parameters, multiply-accumulates and memory of NAS-Bench-201 networks in closed form.

Counted is the network of the benchmark: stem, three stages of cells with residual reductions between them, a last
batch norm, and a linear classifier; batch norms are affine and convolutions have no bias. Every operation counts,
whether or not its result reaches the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from proxy.spaces._base import Counts, ImageShape, Settings
from proxy.spaces._sizes import NOTHING, Size, activation, batch_norm, convolution, linear
from proxy.spaces.nasbench201.genotype import EDGES, OPERATIONS, Cell


def counts(cell: Cell, settings: Settings, image: ImageShape) -> Counts:
    """Size of the network with batch norm."""
    return _size(cell, settings, image).counts


def peak_numbers(cell: Cell, settings: Settings, image: ImageShape) -> tuple[int, int]:
    """Upper estimate of what scoring holds: (numbers per network, numbers per image)."""
    per_network, per_image = _size(cell, settings, image).peak_numbers
    # All cells share one seeded set of candidate weights, which is kept beside the network's own.
    return per_network + _parts_of(settings, image).candidate_params, per_image


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a network is made of, summed over all its cells."""

    fixed: Size
    """All but the edges."""
    edge: dict[str, Size]
    """Operation -> that operation on one edge of every cell."""
    candidate_params: int


def _size(cell: Cell, settings: Settings, image: ImageShape) -> Size:
    # Where in the cell an operation is does not matter: the whole space has 210 sizes.
    return _sum(tuple(sorted(cell.operations)), *_numbers(settings), image)


@lru_cache(maxsize=4096)
def _sum(operations: tuple[str, ...], channels: int, cells: int, classes: int, image: ImageShape) -> Size:
    parts = _parts(channels, cells, classes, image)
    return sum((parts.edge[operation] for operation in operations), parts.fixed)


def _parts_of(settings: Settings, image: ImageShape) -> _Parts:
    return _parts(*_numbers(settings), image)


def _numbers(settings: Settings) -> tuple[int, int, int]:
    return settings["channels"], settings["cells"], settings["classes"]


@lru_cache(maxsize=64)
def _parts(channels: int, cells: int, classes: int, image: ImageShape) -> _Parts:
    area = image.height * image.width
    stages = [(channels * width, area // width**2) for width in (1, 2, 4)]
    edge = {
        operation: sum((_operation(operation, *stage) for stage in stages), NOTHING) * cells for operation in OPERATIONS
    }
    nodes = sum((activation(*stage) for stage in stages), NOTHING) * (3 * cells)
    features = stages[-1][0]
    fixed = (
        activation(image.channels, area)
        + convolution(image.channels, channels, area, kernel=9)
        + batch_norm(channels)
        + nodes
        + _reduction(*stages[1])
        + _reduction(*stages[2])
        + batch_norm(features)
        + activation(*stages[2])
        + activation(features, 1)
        + linear(features, classes)
    )
    candidates = len(EDGES) * (edge["nor_conv_1x1"].params + edge["nor_conv_3x3"].params)
    return _Parts(fixed, edge, candidates)


def _operation(name: str, channels: int, positions: int) -> Size:
    """One operation; its input and its result have the same shape."""
    if name in ("nor_conv_1x1", "nor_conv_3x3"):
        kernel = 1 if name == "nor_conv_1x1" else 9
        return (
            activation(channels, positions) + convolution(channels, channels, positions, kernel) + batch_norm(channels)
        )
    if name == "avg_pool_3x3":
        return activation(channels, positions)
    return NOTHING


def _reduction(channels: int, positions: int) -> Size:
    """The residual block that halves height and width; `channels` and `positions` are of its result."""
    before = channels // 2
    shortcut = activation(before, positions) + convolution(before, channels, positions)
    first = (
        activation(before, 4 * positions) + convolution(before, channels, positions, kernel=9) + batch_norm(channels)
    )
    second = (
        activation(channels, positions) + convolution(channels, channels, positions, kernel=9) + batch_norm(channels)
    )
    # These two batch norms stay when scoring, and hold their results.
    normed = activation(channels, positions) * 2
    return shortcut + first + second + normed
