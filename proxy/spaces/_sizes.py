"""Sizes of layers in closed form, and how they add up to the size of a network. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.spaces._base import Counts

# At the peak of a pass there are weights, twin, up to three gradients, and one tensor that replaces another.
_COPIES_OF_PARAMS: Final = 6
# Activations are held for the backward pass; the gradients that flow back need less than as much again.
_COPIES_OF_ACTIVATIONS: Final = 2
# The unfolded input of a convolution exists in the forward pass, and beside its gradient in the backward pass.
_COPIES_OF_COLUMNS: Final = 2
# Together 1.0 to 2.6 times what was measured on a CPU, for ten networks of both spaces, wide, deep and default.


@dataclass(frozen=True, slots=True)
class Size:
    """How large a part of a network is. Sizes add up; a multiple is that many parts in a row."""

    params: int = 0
    macs: int = 0
    """Multiply-accumulates for one image."""
    activations: int = 0
    """Numbers per image that are held for the backward pass."""
    columns: int = 0
    """Numbers per image of the largest unfolded convolution input: a buffer, held one at a time."""

    def __add__(self, other: Size) -> Size:
        return Size(
            self.params + other.params,
            self.macs + other.macs,
            self.activations + other.activations,
            max(self.columns, other.columns),
        )

    def __mul__(self, times: int) -> Size:
        return Size(
            self.params * times,
            self.macs * times,
            self.activations * times,
            self.columns if times else 0,
        )

    @property
    def counts(self) -> Counts:
        """Parameters and multiply-accumulates alone."""
        return Counts(self.params, self.macs)

    @property
    def peak_numbers(self) -> tuple[int, int]:
        """(numbers per network, numbers per image) held at the peak of a forward and backward pass."""
        per_image = _COPIES_OF_ACTIVATIONS * self.activations + _COPIES_OF_COLUMNS * self.columns
        return _COPIES_OF_PARAMS * self.params, per_image


NOTHING: Final = Size()


def convolution(fan_in: int, outputs: int, positions: int, kernel: int = 1) -> Size:
    """A convolution without bias: `kernel` taps from each of `fan_in` channels into each of `outputs` channels.

    `positions` is height times width of the result. Depthwise: `fan_in` is 1.
    """
    weights = fan_in * outputs * kernel
    unfolded = 0 if kernel == 1 else fan_in * kernel * positions
    return Size(weights, weights * positions, outputs * positions, unfolded)


def batch_norm(channels: int) -> Size:
    """An affine batch norm. Its arithmetic folds into the convolution before it, so it counts no MACs."""
    return Size(params=2 * channels)


def linear(inputs: int, outputs: int) -> Size:
    """A linear layer with bias."""
    return Size(inputs * outputs + outputs, inputs * outputs, outputs)


def activation(channels: int, positions: int) -> Size:
    """A tensor without weights of its own: the result of a ReLU, a pooling, or a sum."""
    return Size(activations=channels * positions)
