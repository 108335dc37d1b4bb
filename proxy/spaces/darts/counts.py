"""Parameters, multiply-accumulates and memory of DARTS networks in closed form.

Counted is the network that DARTS trains on CIFAR: stem, cells, linear classifier; batch norms are affine,
convolutions have no bias, and there is no auxiliary head. Every pair counts, whether or not its result reaches the
output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.spaces._base import Counts, ImageShape, Settings
from proxy.spaces._sizes import NOTHING, Size, activation, batch_norm, convolution, linear
from proxy.spaces.darts.genotype import INPUTS, CellGenotype, Genotype, is_reduction

_STEM_WIDTH = 3


def counts(genotype: Genotype, settings: Settings, image: ImageShape) -> Counts:
    """Size of the network with batch norm."""
    return _size(genotype, settings, image).counts


def peak_numbers(genotype: Genotype, settings: Settings, image: ImageShape) -> tuple[int, int]:
    """Upper estimate of what scoring holds: (numbers per network, numbers per image)."""
    return _size(genotype, settings, image).peak_numbers


@dataclass(frozen=True, slots=True)
class _Shape:
    """Channels and positions (height times width) of a tensor."""

    channels: int
    positions: int


def _size(genotype: Genotype, settings: Settings, image: ImageShape) -> Size:
    area = image.height * image.width
    channels, layers = settings["channels"], settings["layers"]
    stem = _Shape(_STEM_WIDTH * channels, area)
    total = (
        activation(image.channels, area)
        + convolution(image.channels, stem.channels, area, kernel=9)
        + batch_norm(stem.channels)
    )
    shapes = [stem, stem]
    inner: dict[_Shape, Size] = {}
    for cell, reduction, shape in _cells(genotype, channels, layers, area):
        before, last = shapes[-2:]
        total += _preprocess(before, shape, last) + _preprocess(last, shape, last)
        # Cells of one kind and shape are equal inside.
        key = _Shape(-shape.channels if reduction else shape.channels, shape.positions)
        if key not in inner:
            inner[key] = _inner(cell, shape, reduction=reduction)
        total += inner[key]
        result = shape.positions // 4 if reduction else shape.positions
        shapes.append(_Shape(shape.channels * len(cell.concat), result))
    features = shapes[-1].channels
    return total + activation(features, 1) + linear(features, settings["classes"])


def _cells(genotype: Genotype, channels: int, layers: int, area: int) -> Iterator[tuple[CellGenotype, bool, _Shape]]:
    """(cell, whether it is a reduction, shape of its preprocessed inputs), in order."""
    for index in range(layers):
        reduction = is_reduction(index, layers)
        if reduction:
            channels *= 2
        yield genotype.cell(index, layers), reduction, _Shape(channels, area)
        if reduction:
            area //= 4


def _preprocess(source: _Shape, shape: _Shape, last: _Shape) -> Size:
    """ReLU, 1x1 convolution and batch norm, factorised if `source` has still twice the height and width."""
    if source.positions == last.positions:
        return _relu_convolution(source, shape)
    return _factorized_reduce(source, shape)


def _relu_convolution(source: _Shape, result: _Shape, kernel: int = 1) -> Size:
    return (
        activation(source.channels, source.positions)
        + convolution(source.channels, result.channels, result.positions, kernel)
        + batch_norm(result.channels)
    )


def _factorized_reduce(source: _Shape, result: _Shape) -> Size:
    """ReLU and two stride-2 1x1 convolutions of half the channels each: in sum, one of all channels."""
    joined = activation(result.channels, result.positions)
    return _relu_convolution(source, result) + joined


def _inner(cell: CellGenotype, shape: _Shape, *, reduction: bool) -> Size:
    """All pairs, sums and the concatenation of one cell."""
    result = _Shape(shape.channels, shape.positions // 4 if reduction else shape.positions)
    kinds = Counter((operation, reduction and source < INPUTS) for operation, source in cell.pairs)
    pairs = sum(
        (_operation(name, shape if strided else result, result) * times for (name, strided), times in kinds.items()),
        NOTHING,
    )
    tensors = activation(result.channels, result.positions) * (cell.nodes + len(cell.concat))
    return pairs + tensors


def _operation(name: str, source: _Shape, result: _Shape) -> Size:
    """One operation; it has stride 2 if `source` is larger than `result`."""
    strided = source != result
    if name == "skip_connect":
        return _factorized_reduce(source, result) if strided else NOTHING
    if name in ("max_pool_3x3", "avg_pool_3x3"):
        return activation(result.channels, result.positions)
    if name.startswith("sep_conv"):
        kernel = _taps(name)
        return _separable(source, result, kernel) + _separable(result, result, kernel)
    if name.startswith("dil_conv"):
        return _separable(source, result, _taps(name))
    if name == "conv_7x1_1x7":
        return _seven_by_one(source, result, strided=strided)
    return NOTHING if not strided else activation(result.channels, result.positions)


def _taps(name: str) -> int:
    """Kernel size in positions: 9 for `sep_conv_3x3`."""
    return int(name[-1]) ** 2


def _separable(source: _Shape, result: _Shape, kernel: int) -> Size:
    """ReLU, depthwise convolution, 1x1 convolution, batch norm."""
    channels = result.channels
    return (
        activation(channels, source.positions)
        + convolution(1, channels, result.positions, kernel)
        + convolution(channels, channels, result.positions)
        + batch_norm(channels)
    )


def _seven_by_one(source: _Shape, result: _Shape, *, strided: bool) -> Size:
    """ReLU, a row of seven, a column of seven, batch norm. The row alone halves the width, if strided."""
    channels = result.channels
    return (
        activation(channels, source.positions)
        + convolution(channels, channels, source.positions // 2 if strided else source.positions, kernel=7)
        + convolution(channels, channels, result.positions, kernel=7)
        + batch_norm(channels)
    )
