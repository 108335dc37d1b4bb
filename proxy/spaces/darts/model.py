"""[T] The DARTS network (Liu et al., ICLR 2019) as a function of its parameters.

Stem, L cells with reductions at a third and two thirds of the depth, global average pool, linear layer. No auxiliary
head and no drop path. No convolution has a bias; without batch norm (as CRoZe scores it) there is none anywhere.

Stage features: 0 stem, i the output of cell i (1..L), L + 1 the pooled vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from proxy.forward_trace import tell_rectified
from proxy.initialisation import Drawing
from proxy.nets import (
    Layer,
    NodeValues,
    Output,
    ScorableNet,
    Theta,
    avg_pool_3x3,
    batch_norm,
    conv,
    max_pool_3x3,
    pooled_logits,
    relu,
)
from proxy.scaled import Scaled, concatenated
from proxy.spaces._base import ImageShape, Settings
from proxy.spaces.darts.genotype import INPUTS, CellGenotype, Genotype, is_reduction

STEM_MULTIPLIER = 3


@dataclass(frozen=True)
class CellPlan:
    """One cell of a network: its place, its widths, and what of it can reach the classifier."""

    number: int
    """From 1."""
    genotype: CellGenotype
    reduces: bool
    after_reduction: bool
    widths_in: tuple[int, int]
    """Channels of the two cells before."""
    width: int
    """Channels of every state."""
    live: bool
    prune: bool

    @property
    def live_inputs(self) -> tuple[bool, bool]:
        """Which of the two inputs can reach the cell's output."""
        return self.genotype.live_inputs if self.prune else (True, True)

    @property
    def live_pairs(self) -> tuple[bool, ...]:
        """Which pairs can reach the cell's output."""
        return self.genotype.live_pairs if self.prune else (True,) * len(self.genotype.pairs)

    def preprocess_name(self, position: int) -> str:
        """Of the layer that brings input 0 or 1 to the cell's width."""
        return f"cell{self.number}.preprocess{position}"

    def pair_name(self, position: int) -> str:
        """Of the operation at a position of the genotype."""
        return f"cell{self.number}.pair{position}.{self.genotype.pairs[position][0]}"

    def stride(self, source: int) -> int:
        """Of an operation that reads state `source`: a reduction cell halves its inputs, not its own states."""
        return 2 if self.reduces and source < INPUTS else 1


def plan_cells(genotype: Genotype, channels: int, layers: int, *, prune: bool) -> tuple[CellPlan, ...]:
    """Every cell of the network, first to last."""
    plans: list[CellPlan] = []
    before = last = STEM_MULTIPLIER * channels
    width, after_reduction = channels, False
    for index, live in enumerate(genotype.live_cells(layers)):
        reduces = is_reduction(index, layers)
        width *= 2 if reduces else 1
        cell = genotype.cell(index, layers)
        plans.append(
            CellPlan(index + 1, cell, reduces, after_reduction, (before, last), width, live or not prune, prune)
        )
        before, last, after_reduction = last, width * len(cell.concat), reduces
    return tuple(plans)


def build(
    architecture: Genotype,
    settings: Settings,
    *,
    seed: int,
    batch_norm: bool,
    image: ImageShape,
    prune: bool = True,
) -> DartsNet:
    """The network of a genotype, its weights drawn as the official code draws them.

    Args:
        seed: of the generator that all weights are drawn from.
        batch_norm: follow every convolution by one, or none.
        image: shape of what it will be fed with.
        prune: False runs also what cannot reach the output, as the official code does; every score is the same.
    """
    channels, layers = settings["channels"], settings["layers"]
    plans = plan_cells(architecture, channels, layers, prune=prune)
    drawing = Drawing(seed)
    drawing.conv("stem", (STEM_MULTIPLIER * channels, image.channels, 3, 3), batch_norm=batch_norm)
    network_layers = [Layer("stem", 0, architecture.connected(layers) or not prune)]
    for plan in plans:
        for convolution, reaches in cell_convolutions(plan):
            drawing.conv(convolution.name, convolution.shape_OIHW, batch_norm=batch_norm and convolution.normalised)
            network_layers.append(Layer(convolution.name, plan.number, reaches))
            if batch_norm and convolution.shared_norm is not None:
                drawing.batch_norm(*convolution.shared_norm)
    drawing.linear("head", plans[-1].width * len(plans[-1].genotype.concat), settings["classes"])
    network_layers.append(Layer("head", layers + 1, True))
    theta = {name: value for parameters in drawing.drawn.values() for name, value in parameters.items()}
    return DartsNet(theta, tuple(network_layers), plans, image, with_batch_norm=batch_norm)


@dataclass(frozen=True)
class Convolution:
    """One convolution to be drawn, and whether a batch norm follows it."""

    name: str
    shape_OIHW: tuple[int, int, int, int]
    normalised: bool = False
    shared_norm: tuple[str, int] | None = None
    """(name, channels) of a batch norm over this convolution and the one before, concatenated."""


def cell_convolutions(plan: CellPlan) -> Iterator[tuple[Convolution, bool]]:
    """A cell's convolutions in order of construction, and whether each can reach the classifier."""
    for position, (width_in, live) in enumerate(zip(plan.widths_in, plan.live_inputs, strict=True)):
        name, reaches = plan.preprocess_name(position), plan.live and live
        if position == 0 and plan.after_reduction:
            parts: Iterator[Convolution] = _factorized_reduce(name, width_in, plan.width)
        else:
            parts = iter([Convolution(name, (plan.width, width_in, 1, 1), normalised=True)])
        yield from ((part, reaches) for part in parts)
    for position, live in enumerate(plan.live_pairs):
        for part in _operation_convolutions(plan, position):
            yield part, plan.live and live


def _operation_convolutions(plan: CellPlan, position: int) -> Iterator[Convolution]:
    operation, source = plan.genotype.pairs[position]
    name, c = plan.pair_name(position), plan.width
    kind, k = operation[:-4], int(operation[-1]) if operation[-1].isdigit() else 0
    if kind == "sep_conv":
        for half in ("first", "second"):
            yield Convolution(f"{name}.{half}.depthwise", (c, 1, k, k))
            yield Convolution(f"{name}.{half}.pointwise", (c, c, 1, 1), normalised=True)
    elif kind == "dil_conv":
        yield Convolution(f"{name}.depthwise", (c, 1, k, k))
        yield Convolution(f"{name}.pointwise", (c, c, 1, 1), normalised=True)
    elif operation == "conv_7x1_1x7":
        yield Convolution(f"{name}.1x7", (c, c, 1, 7))
        yield Convolution(f"{name}.7x1", (c, c, 7, 1), normalised=True)
    elif operation == "skip_connect" and plan.stride(source) == 2:
        yield from _factorized_reduce(name, c, c)


def _factorized_reduce(name: str, width_in: int, width: int) -> Iterator[Convolution]:
    # `width` is a multiple of two here: channels have doubled at least once.
    yield Convolution(f"{name}.even", (width // 2, width_in, 1, 1))
    yield Convolution(f"{name}.odd", (width // 2, width_in, 1, 1), shared_norm=(name, width))


class DartsNet(ScorableNet):
    """One genotype's network."""

    def __init__(
        self,
        theta: Theta,
        layers: tuple[Layer, ...],
        plans: tuple[CellPlan, ...],
        image: ImageShape,
        *,
        with_batch_norm: bool,
    ) -> None:
        super().__init__(theta, layers)
        self._plans = plans
        self._image = image
        self._with_batch_norm = with_batch_norm

    def forward(self, theta: Theta, x_NCHW: Scaled) -> Output:
        if x_NCHW.value.dtype == torch.float64:
            # torch has no fast depthwise convolution of float64 channels last.
            x_NCHW = x_NCHW.map(Tensor.contiguous)
        stem_NCHW = (
            self._norm(theta, "stem", conv(theta, "stem", x_NCHW, padding=1)) if self.layers[0].reaches_output else None
        )
        features = [stem_NCHW]
        # Both cells that read an output rectify it first.
        last = None if stem_NCHW is None else stem_NCHW.relu()
        before = last
        side = self._image.height, self._image.width
        for plan in self._plans:
            if plan.reduces:
                side = side[0] // 2, side[1] // 2
            shape = (len(x_NCHW.value), plan.width, *side)
            zeros_NCHW = Scaled(x_NCHW.value.new_zeros(()).expand(shape))
            output = self._cell(theta, plan, (before, last), zeros_NCHW) if plan.live else None
            features.append(output)
            before, last = last, None if output is None or plan is self._plans[-1] else output.relu()
        assert output is not None, "the last cell is always live"
        pooled_NC, logits_NK = pooled_logits(theta, "head", output)
        return Output(logits_NK, (*features, pooled_NC))

    def _cell(
        self, theta: Theta, plan: CellPlan, inputs: tuple[Scaled | None, Scaled | None], zeros_NCHW: Scaled
    ) -> Scaled:
        """The concatenated states of one cell. `inputs` are rectified."""
        nodes = NodeValues()
        for position, (relu_NCHW, live) in enumerate(zip(inputs, plan.live_inputs, strict=True)):
            if live:
                assert relu_NCHW is not None, "a live input comes from a live cell"
                # Here, and not where a cell's output is four times as large.
                nodes[position] = self._preprocess(theta, plan, position, tell_rectified(relu_NCHW)).rescaled()
        for position, live in enumerate(plan.live_pairs):
            operation, source = plan.genotype.pairs[position]
            if not live or operation == "none":
                continue
            if source not in nodes:
                nodes[source] = zeros_NCHW
            target = INPUTS + position // 2
            carried = self._operate(theta, plan, position, nodes)
            nodes[target] = nodes[target] + carried if target in nodes else carried
        return concatenated([nodes.get(state, zeros_NCHW) for state in plan.genotype.concat], dim=1)

    def _preprocess(self, theta: Theta, plan: CellPlan, position: int, relu_NCHW: Scaled) -> Scaled:
        name = plan.preprocess_name(position)
        if position == 0 and plan.after_reduction:
            return self._reduce(theta, name, relu_NCHW)
        return self._norm(theta, name, conv(theta, name, relu_NCHW))

    def _operate(self, theta: Theta, plan: CellPlan, position: int, nodes: NodeValues) -> Scaled:
        """What the operation at a position of the genotype makes of the state it reads."""
        operation, source = plan.genotype.pairs[position]
        name, stride = plan.pair_name(position), plan.stride(source)
        if operation == "skip_connect":
            return nodes[source] if stride == 1 else self._reduce(theta, name, nodes.relu(source))
        if operation == "avg_pool_3x3":
            return avg_pool_3x3(nodes[source], stride)
        if operation == "max_pool_3x3":
            return max_pool_3x3(nodes[source], stride)
        if operation == "conv_7x1_1x7":
            x_NCHW = conv(theta, f"{name}.1x7", nodes.relu(source), stride=(1, stride), padding=(0, 3))
            x_NCHW = conv(theta, f"{name}.7x1", x_NCHW, stride=(stride, 1), padding=(3, 0))
            return self._norm(theta, f"{name}.7x1", x_NCHW)
        k = int(operation[-1])
        if operation.startswith("dil_conv"):
            return self._separable(theta, name, nodes.relu(source), k, stride, dilation=2)
        x_NCHW = self._separable(theta, f"{name}.first", nodes.relu(source), k, stride)
        return self._separable(theta, f"{name}.second", relu(x_NCHW), k, 1)

    def _separable(self, theta: Theta, name: str, relu_NCHW: Scaled, k: int, stride: int, dilation: int = 1) -> Scaled:
        """Depthwise, then pointwise convolution."""
        x_NCHW = conv(
            theta,
            f"{name}.depthwise",
            relu_NCHW,
            stride=stride,
            padding=dilation * (k - 1) // 2,
            dilation=dilation,
            groups=relu_NCHW.value.shape[1],
        )
        return self._norm(theta, f"{name}.pointwise", conv(theta, f"{name}.pointwise", x_NCHW))

    def _reduce(self, theta: Theta, name: str, relu_NCHW: Scaled) -> Scaled:
        """FactorizedReduce: half of the channels from even positions, half from odd ones."""
        even_NCHW = conv(theta, f"{name}.even", relu_NCHW, stride=2)
        odd_NCHW = conv(theta, f"{name}.odd", relu_NCHW.map(lambda x: x[:, :, 1:, 1:]), stride=2)
        return self._norm(theta, name, concatenated([even_NCHW, odd_NCHW], dim=1))

    def _norm(self, theta: Theta, name: str, x_NCHW: Scaled) -> Scaled:
        return batch_norm(theta, name, x_NCHW) if self._with_batch_norm else x_NCHW
