"""[T] The NAS-Bench-201 network (Dong & Yang, ICLR 2020) as a function of its parameters.

Stem, three stages of N cells with C, 2C and 4C channels, a residual reduction block between stages, ReLU, global
average pool, linear layer. Without batch norm (as CRoZe scores it) the cells' convolutions have biases, and only the
two batch norms inside each reduction block stay; with batch norm (as people train it) convolutions have none.

Stage features: 0 stem, 1 and 2 after the reductions, 3 after the final ReLU, 4 the pooled vector.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

import torch

from proxy.initialisation import Drawing
from proxy.kernels import channels_last
from proxy.nets import (
    Layer,
    NodeValues,
    Output,
    ScorableNet,
    Theta,
    avg_pool_3x3,
    batch_norm,
    conv,
    conv_in_float32,
    pooled_logits,
    relu,
)
from proxy.scaled import Scaled
from proxy.spaces._base import ImageShape, Settings
from proxy.spaces.nasbench201.genotype import EDGES, INPUT, OUTPUT, Cell, EdgePosition

#: Kernel width of each parametrised operation, in the order in which an edge's candidates are constructed.
KERNELS = {"nor_conv_3x3": 3, "nor_conv_1x1": 1}
REDUCTION_LAYERS = ("residual", "conv_a", "conv_b")
#: What is normalised before the final ReLU, with batch norm; no layer of its own.
LAST = "last"

Candidates: TypeAlias = Mapping[str, Theta]
"""Layer -> its parameters, for every candidate of every edge."""


@dataclass(frozen=True)
class Skeleton:
    """What is the same for all cells of one setting."""

    channels: int
    cells_per_stage: int
    classes: int
    image: ImageShape
    batch_norm: bool

    @property
    def cells(self) -> range:
        """Numbers of the cells, from 1."""
        return range(1, 3 * self.cells_per_stage + 1)

    def stage(self, cell: int) -> int:
        """The stage feature that layers of a cell are scored against."""
        return cell // self.cells_per_stage

    def width(self, cell: int) -> int:
        """Channels of a cell."""
        return int(self.channels * 2 ** ((cell - 1) // self.cells_per_stage))

    def reduction_after(self, cell: int) -> int | None:
        """Number of the reduction block that follows a cell, or None."""
        ends_stage = cell % self.cells_per_stage == 0 and cell != self.cells[-1]
        return cell // self.cells_per_stage if ends_stage else None


def build(
    architecture: Cell,
    settings: Settings,
    *,
    seed: int,
    batch_norm: bool,
    image: ImageShape,
    prune: bool = True,
) -> NasBench201Net:
    """The network of a cell, its weights drawn as the official code draws them.

    Args:
        seed: of the generator that all weights are drawn from.
        batch_norm: keep every batch norm (and so no convolution biases), or only those of the reductions.
        image: shape of what it will be fed with.
        prune: False runs also what cannot reach the output, as the official code does; every score is the same.
    """
    skeleton = Skeleton(settings["channels"], settings["cells"], settings["classes"], image, batch_norm)
    candidates = CANDIDATES.get(skeleton, seed)
    return NasBench201Net(architecture, skeleton, candidates, prune=prune)


class NasBench201Net(ScorableNet):
    """One cell's network: views of the candidate weights that the cell uses."""

    def __init__(self, cell: Cell, skeleton: Skeleton, candidates: Candidates, *, prune: bool) -> None:
        self._skeleton = skeleton
        self._live = frozenset(cell.live_edges if prune else EDGES)
        self._operations = dict(zip(EDGES, cell.operations, strict=True))
        # Without a 3x3 convolution on the way, cells hand on nearly what they got, and in the backward pass of the
        # reductions' batch norms up to four of float32's seven digits cancel. Such cells cost as much in float64.
        self.needs_double = not any(self._operations[edge] == "nor_conv_3x3" for edge in cell.fed_edges)
        # If the input cannot reach the cell's output, neither can any earlier cell: only the last one runs, on zeros.
        self._first = 1 if cell.connected or not prune else skeleton.cells[-1]
        layers = tuple(self._layers())
        used = [
            *(layer.name for layer in layers[:-1]),
            *([LAST] if skeleton.batch_norm else []),
            layers[-1].name,
        ]
        super().__init__({name: value for layer in used for name, value in candidates[layer].items()}, layers)

    def _layers(self) -> Iterator[Layer]:
        skeleton, upstream = self._skeleton, self._first == 1
        yield Layer("stem", 0, upstream)
        for cell in skeleton.cells:
            for edge, operation in self._operations.items():
                if operation in KERNELS:
                    reaches = edge in self._live and cell >= self._first
                    yield Layer(conv_name(cell, edge, operation), skeleton.stage(cell), reaches)
            if (reduction := skeleton.reduction_after(cell)) is not None:
                for part in REDUCTION_LAYERS:
                    yield Layer(f"reduction{reduction}.{part}", reduction, upstream, always_double=True)
        yield Layer("head", 4, True)

    def forward(self, theta: Theta, x_NCHW: Scaled) -> Output:
        features: list[Scaled | None] = [None] * 5
        if self._first == 1:
            x_NCHW = features[0] = self._stem(theta, x_NCHW)
        else:
            x_NCHW = self._zeros_for_last_cell(x_NCHW)
        for cell in self._skeleton.cells[self._first - 1 :]:
            x_NCHW = self._cell(theta, cell, x_NCHW).rescaled()
            if (reduction := self._skeleton.reduction_after(cell)) is not None:
                # In float64 whatever the precision: the backward pass of its batch norms cancels badly in float32
                # (1e-4), and its branch stays of order one beside a residual that does not.
                reduced_NCHW = reduce(theta, f"reduction{reduction}", x_NCHW).rescaled()
                features[reduction], x_NCHW = reduced_NCHW, reduced_NCHW.to(x_NCHW.value.dtype)
        if self._skeleton.batch_norm:
            x_NCHW = batch_norm(theta, LAST, x_NCHW)
        features[3] = x_NCHW = relu(x_NCHW)
        features[4], logits_NK = pooled_logits(theta, "head", x_NCHW)
        return Output(logits_NK, tuple(features))

    def _stem(self, theta: Theta, x_NCHW: Scaled) -> Scaled:
        return self._normalised(theta, "stem", conv(theta, "stem", x_NCHW, padding=1))

    def _cell(self, theta: Theta, cell: int, x_NCHW: Scaled) -> Scaled:
        """Node 3: the sum of what its edges carry, and so on down to node 0, the cell's input."""
        nodes = NodeValues()
        nodes[INPUT] = x_NCHW
        for edge in EDGES:
            if edge in self._live and (carried_NCHW := self._edge(theta, cell, edge, nodes)) is not None:
                target, _ = edge
                nodes[target] = nodes[target] + carried_NCHW if target in nodes else carried_NCHW
        return nodes[OUTPUT] if OUTPUT in nodes else zeros_like(x_NCHW)

    def _edge(self, theta: Theta, cell: int, edge: EdgePosition, nodes: NodeValues) -> Scaled | None:
        """What one edge carries; None for zeros."""
        operation, (_, source) = self._operations[edge], edge
        if operation in KERNELS:
            name = conv_name(cell, edge, operation)
            if source not in nodes:
                if not self._skeleton.batch_norm:
                    return bias_everywhere(theta, name, nodes[INPUT])
                nodes[source] = zeros_like(nodes[INPUT])
            carried_NCHW = conv(theta, name, nodes.relu(source), padding=KERNELS[operation] // 2)
            return self._normalised(theta, name, carried_NCHW)
        if operation == "none" or source not in nodes:
            return None
        return nodes[source] if operation == "skip_connect" else avg_pool_3x3(nodes[source])

    def _normalised(self, theta: Theta, name: str, x_NCHW: Scaled) -> Scaled:
        return batch_norm(theta, name, x_NCHW) if self._skeleton.batch_norm else x_NCHW

    def _zeros_for_last_cell(self, x_NCHW: Scaled) -> Scaled:
        image, width = self._skeleton.image, self._skeleton.width(self._skeleton.cells[-1])
        shape = (len(x_NCHW.value), width, image.height // 4, image.width // 4)
        return Scaled(channels_last(x_NCHW.value.new_zeros(shape)))


def zeros_like(x_NCHW: Scaled) -> Scaled:
    """Zeros, which have no scale of their own: a bias that is added to them keeps its own."""
    return Scaled(torch.zeros_like(x_NCHW.value))


def bias_everywhere(theta: Theta, name: str, like_NCHW: Scaled) -> Scaled:
    """What a convolution makes of zeros: its bias. It counts, and its weight has no gradient."""
    bias_1C11 = theta[f"{name}.bias"].reshape(1, -1, 1, 1)
    return Scaled(channels_last(bias_1C11.expand_as(like_NCHW.value)))


def reduce(theta: Theta, name: str, x_NCHW: Scaled) -> Scaled:
    """The residual block between stages, in float64. Its two batch norms stay even where all others are removed."""
    convolve = conv if x_NCHW.value.dtype == torch.float64 else conv_in_float32
    x_NCHW = x_NCHW.to(torch.float64)
    branch_NCHW = convolve(theta, f"{name}.conv_a", relu(x_NCHW), stride=2, padding=1)
    branch_NCHW = batch_norm(theta, f"{name}.conv_a", branch_NCHW)
    branch_NCHW = convolve(theta, f"{name}.conv_b", relu(branch_NCHW), padding=1)
    branch_NCHW = batch_norm(theta, f"{name}.conv_b", branch_NCHW)
    halved_NCHW = x_NCHW.map(lambda x: torch.nn.functional.avg_pool2d(x, 2))
    return convolve(theta, f"{name}.residual", halved_NCHW) + branch_NCHW


def conv_name(cell: int, edge: EdgePosition, operation: str) -> str:
    """E.g. "cell7.node3<-1.nor_conv_3x3"."""
    target, source = edge
    return f"cell{cell}.node{target}<-{source}.{operation}"


def draw_candidates(skeleton: Skeleton, seed: int) -> Candidates:
    """Weights of every candidate convolution of every edge, in the official order of construction.

    They do not depend on the architecture: all 15,625 cells pick from this one set.
    """
    drawing, channels = Drawing(seed), skeleton.channels
    drawing.conv("stem", (channels, skeleton.image.channels, 3, 3), batch_norm=skeleton.batch_norm)
    for cell in skeleton.cells:
        width = skeleton.width(cell)
        for edge in EDGES:
            for operation, k in KERNELS.items():
                drawing.conv(
                    conv_name(cell, edge, operation),
                    (width, width, k, k),
                    bias=not skeleton.batch_norm,
                    batch_norm=skeleton.batch_norm,
                )
        if (reduction := skeleton.reduction_after(cell)) is not None:
            _draw_reduction(drawing, f"reduction{reduction}", width)
    if skeleton.batch_norm:
        drawing.batch_norm(LAST, 4 * channels)
    drawing.linear("head", 4 * channels, skeleton.classes)
    return drawing.drawn


def _draw_reduction(drawing: Drawing, name: str, width: int) -> None:
    drawing.conv(f"{name}.residual", (2 * width, width, 1, 1))
    # Scale 1 and shift 0 stay through scoring, and none of the two is a layer. Kept so that all parameters count.
    drawing.conv(f"{name}.conv_a", (2 * width, width, 3, 3), batch_norm=True)
    drawing.conv(f"{name}.conv_b", (2 * width, 2 * width, 3, 3), batch_norm=True)


class CandidateCache:
    """The last few sets of candidate weights, bounded by their size."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._sets: OrderedDict[tuple[Skeleton, int], Candidates] = OrderedDict()
        self._lock = Lock()

    def get(self, skeleton: Skeleton, seed: int) -> Candidates:
        """The set for these settings and this seed, drawn if it is not here."""
        with self._lock:
            key = (skeleton, seed)
            if key not in self._sets:
                self._sets[key] = draw_candidates(skeleton, seed)
            self._sets.move_to_end(key)
            drawn = self._sets[key]
            while self.bytes_held > self._limit_bytes:
                self._sets.popitem(last=False)
            return drawn

    @property
    def bytes_held(self) -> int:
        """Bytes of all sets here. A set larger than the limit is not kept at all."""
        return sum(
            tensor.nbytes for drawn in self._sets.values() for theta in drawn.values() for tensor in theta.values()
        )


#: One set of the default settings takes 6.6 MB: room for many seeds, or a few wide settings.
CANDIDATES = CandidateCache(limit_bytes=128 * 2**20)
