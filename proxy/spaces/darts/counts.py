"""Parameters, multiply-accumulates and memory of DARTS networks in closed form.

Counted is the network that DARTS trains on CIFAR: stem, cells, linear classifier; batch norms are affine,
convolutions have no bias, and there is no auxiliary head. Every pair counts, whether or not its result reaches the
output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from proxy.spaces._base import Counts, ImageShape, Settings
from proxy.spaces._sizes import NOTHING, Size, activation, batch_norm, convolution, linear
from proxy.spaces.darts.genotype import INPUTS, OPERATIONS, Genotype, is_reduction

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
    channels, layers = settings["channels"], settings["layers"]
    widths = len(genotype.normal.concat), len(genotype.reduce.concat)
    total = _around_pairs(widths, channels, layers, settings["classes"], image)
    for reduces, cell in enumerate((genotype.normal, genotype.reduce)):
        parts = _parts(bool(reduces), channels, layers, image.height * image.width)
        total += parts.tensor * (cell.nodes + len(cell.concat))
        for operation, source in cell.pairs:
            total += parts.pair[operation, source < INPUTS]
    return total


@dataclass(frozen=True, slots=True)
class _Parts:
    """What cells of one kind are made of inside, summed over all that a network has."""

    pair: dict[tuple[str, bool], Size]
    """(operation, whether it reads an input of the cell) -> that operation in every cell."""
    tensor: Size
    """One state in every cell."""


@lru_cache(maxsize=128)
def _parts(reduces: bool, channels: int, layers: int, area: int) -> _Parts:
    shapes = [shape for reduction, shape in _cells(channels, layers, area) if reduction == reduces]
    results = [_result(shape, reduction=reduces) for shape in shapes]
    pair: dict[tuple[str, bool], Size] = {}
    for operation in OPERATIONS:
        for reads_input in (False, True):
            # A reduction halves its inputs, not its own states.
            sources = shapes if reads_input else results
            sizes = (_operation(operation, *each) for each in zip(sources, results, strict=True))
            pair[operation, reads_input] = sum(sizes, NOTHING)
    return _Parts(pair, sum((activation(each.channels, each.positions) for each in results), NOTHING))


@lru_cache(maxsize=1024)
def _around_pairs(widths: tuple[int, int], channels: int, layers: int, classes: int, image: ImageShape) -> Size:
    """Stem, classifier, and what brings the inputs of every cell to its width.

    Args:
        widths: states in the output of a normal and of a reduction cell.
    """
    area = image.height * image.width
    stem = _Shape(_STEM_WIDTH * channels, area)
    total = (
        activation(image.channels, area)
        + convolution(image.channels, stem.channels, area, kernel=9)
        + batch_norm(stem.channels)
    )
    before = last = stem
    for reduction, shape in _cells(channels, layers, area):
        total += _preprocess(before, shape, last) + _preprocess(last, shape, last)
        result = _result(shape, reduction=reduction)
        before, last = last, _Shape(result.channels * widths[reduction], result.positions)
    return total + activation(last.channels, 1) + linear(last.channels, classes)


def _cells(channels: int, layers: int, area: int) -> Iterator[tuple[bool, _Shape]]:
    """(whether it is a reduction, shape of its preprocessed inputs) of every cell, in order."""
    for index in range(layers):
        reduction = is_reduction(index, layers)
        if reduction:
            channels *= 2
        yield reduction, _Shape(channels, area)
        if reduction:
            area //= 4


def _result(shape: _Shape, *, reduction: bool) -> _Shape:
    """Of every state in a cell."""
    return _Shape(shape.channels, shape.positions // 4 if reduction else shape.positions)


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
