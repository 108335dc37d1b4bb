"""[T] CRoZe transcribed as plainly as possible: ordinary modules, two copies of a network, four passes, nothing saved.

This is the oracle that the fast implementation is tested against, and the yardstick it is timed against. It shares
no code with it, only the genotypes. It builds every candidate and runs what cannot reach the output, seeds torch's
global generator the way a user of PyTorch would (and restores it), and follows the definition step by step.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from proxy.data.spec import Batch
from proxy.spaces.darts.genotype import CellGenotype, Genotype
from proxy.spaces.nasbench201.genotype import EDGES, Cell

Features = list[Tensor]


def croze_layers(network: StagedNet, batch: Batch) -> dict[str, float]:
    """Official CRoZe per layer, in order of construction; the score is their sum.

    `network` is changed: cast to float64, its parameters replaced by their absolute values.
    """
    x = torch.from_numpy(batch.images_NCHW).double()
    y = torch.from_numpy(batch.labels_N)
    loss = nn.CrossEntropyLoss()
    network.double().train()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    twin = copy.deepcopy(network)

    # Pass 1: the direction that the twin's weights are pushed in.
    loss(network(x)[1], y).backward()
    with torch.no_grad():
        for weight, moved in zip(network.parameters(), twin.parameters(), strict=True):
            if weight.dim() >= 2 and weight.grad is not None and weight.grad.norm() > 0:
                moved.add_(2 * weight.norm() / weight.grad.norm() * weight.grad)
    network.zero_grad()

    # Pass 2: perturb the images on the twin. Its gradients are kept, and add up with those of pass 3.
    x_twin = x.clone().requires_grad_()
    loss(twin(x_twin)[1], y).backward()
    direction = torch.zeros_like(x) if x_twin.grad is None else x_twin.grad.sign()
    perturbed = (x - 0.01 * direction).clamp(0, 1)

    # Passes 3 and 4: the features and gradients that are compared.
    z_twin, logits = twin(perturbed)
    loss(logits, y).backward()
    z_clean, logits = network(x)
    loss(logits, y).backward()

    cosine = nn.CosineSimilarity(dim=0)
    scores = {}
    for (name, layer), (_, layer_twin) in zip(network.weighted(), twin.weighted(), strict=True):
        stage = network.stages[name]
        features = (1 + cosine(z_twin[stage], z_clean[stage])).sum()
        parameters = (1 + cosine(layer_twin.weight, layer.weight)).sum()
        gradients = cosine(_gradient(layer_twin), _gradient(layer)).abs().sum()
        scores[name] = abs((parameters * gradients * features).item())
    return scores


def build_nasbench201(cell: Cell, seed: int, *, channels: int = 16, cells: int = 5, classes: int = 10) -> StagedNet:
    """The official NAS-Bench-201 network without batch norm, seeded right before it is constructed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NasBench201(cell, channels, cells, classes)


def build_darts(genotype: Genotype, seed: int, *, channels: int = 36, layers: int = 20, classes: int = 10) -> StagedNet:
    """The DARTS network without batch norm and auxiliary head, seeded right before it is constructed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Darts(genotype, channels, layers, classes)


class StagedNet(nn.Module):
    """A network that yields its stage features, and knows the stage of each layer in use."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: dict[str, int] = {}

    def weighted(self) -> list[tuple[str, nn.Conv2d | nn.Linear]]:
        """The convolutions and linear layers in use, in order of construction."""
        return [
            (name, module)
            for name, module in self.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear) and name in self.stages
        ]

    def _put_in_stage(self, module: nn.Module, stage: int) -> None:
        names = {id(part): name for name, part in self.named_modules()}
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                self.stages[names[id(part)]] = stage


class NasBench201(StagedNet):
    """Stem, three stages of cells with a reduction between, ReLU, pool, linear layer."""

    def __init__(self, cell: Cell, channels: int, cells: int, classes: int) -> None:
        super().__init__()
        self.cells_per_stage = cells
        self.stem = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.blocks = nn.ModuleList()
        width = channels
        for stage in range(3):
            self.blocks.extend(Nb201Cell(cell, width) for _ in range(cells))
            if stage < 2:
                self.blocks.append(Nb201Reduction(width))
                width *= 2
        self.head = nn.Linear(width, classes)
        self._put_in_stage(self.stem, 0)
        numbered = 0
        for block in self.blocks:
            if isinstance(block, Nb201Cell):
                numbered += 1
                for operation in block.in_use():
                    self._put_in_stage(operation, numbered // cells)
            else:
                self._put_in_stage(block, numbered // cells)
        self._put_in_stage(self.head, 4)

    def forward(self, x: Tensor) -> tuple[Features, Tensor]:
        x = self.stem(x)
        features = [x]
        for block in self.blocks:
            x = block(x)
            if isinstance(block, Nb201Reduction):
                features.append(x)
        x = torch.relu(x)
        pooled = nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return [*features, x, pooled], self.head(pooled)


class Nb201Cell(nn.Module):
    """Both candidate convolutions of every edge are built; one operation per edge is run."""

    def __init__(self, cell: Cell, width: int) -> None:
        super().__init__()
        self.operations = cell.operations
        self.candidates = nn.ModuleList(
            nn.ModuleDict(
                {
                    "nor_conv_3x3": nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)),
                    "nor_conv_1x1": nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1)),
                    "avg_pool_3x3": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
                    "skip_connect": nn.Identity(),
                }
            )
            for _ in EDGES
        )

    def in_use(self) -> list[nn.Module]:
        pairs = zip(self.candidates, self.operations, strict=True)
        return [candidates[operation] for candidates, operation in pairs if operation != "none"]  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x, *(torch.zeros_like(x) for _ in range(3))]
        for (target, source), operation, candidates in zip(EDGES, self.operations, self.candidates, strict=True):
            value = nodes[source] * 0 if operation == "none" else candidates[operation](nodes[source])  # type: ignore[index]
            nodes[target] = nodes[target] + value
        return nodes[3]


class Nb201Reduction(nn.Module):
    """The residual block whose two batch norms stay."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.residual = nn.Conv2d(width, 2 * width, 1, bias=False)
        self.conv_a = nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False)
        self.norm_a = nn.BatchNorm2d(2 * width)
        self.conv_b = nn.Conv2d(2 * width, 2 * width, 3, 1, 1, bias=False)
        self.norm_b = nn.BatchNorm2d(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.norm_a(self.conv_a(torch.relu(x)))
        branch = self.norm_b(self.conv_b(torch.relu(branch)))
        summed: Tensor = self.residual(nn.functional.avg_pool2d(x, 2)) + branch
        return summed


class Darts(StagedNet):
    """Stem, cells with reductions at a third and two thirds of the depth, pool, linear layer."""

    def __init__(self, genotype: Genotype, channels: int, layers: int, classes: int) -> None:
        super().__init__()
        width_before = width_last = 3 * channels
        self.stem = nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False)
        self.cells = nn.ModuleList()
        width, reduced = channels, False
        for index in range(layers):
            reduces = index in (layers // 3, 2 * layers // 3)
            width *= 2 if reduces else 1
            cell = genotype.reduce if reduces else genotype.normal
            self.cells.append(DartsCell(cell, (width_before, width_last), width, reduces=reduces, reduced=reduced))
            width_before, width_last, reduced = width_last, width * len(cell.concat), reduces
        self.head = nn.Linear(width_last, classes)
        self._put_in_stage(self.stem, 0)
        for number, block in enumerate(self.cells, 1):
            self._put_in_stage(block, number)
        self._put_in_stage(self.head, layers + 1)

    def forward(self, x: Tensor) -> tuple[Features, Tensor]:
        before = last = self.stem(x)
        features = [last]
        for cell in self.cells:
            before, last = last, cell(before, last)
            features.append(last)
        pooled = nn.functional.adaptive_avg_pool2d(last, 1).flatten(1)
        return [*features, pooled], self.head(pooled)


class DartsCell(nn.Module):
    """Two preprocessed inputs, then two operations per node."""

    def __init__(
        self, cell: CellGenotype, widths: tuple[int, int], width: int, *, reduces: bool, reduced: bool
    ) -> None:
        super().__init__()
        self.pairs, self.concat = cell.pairs, cell.concat
        self.preprocess0 = FactorizedReduce(widths[0], width) if reduced else _relu_conv(widths[0], width)
        self.preprocess1 = _relu_conv(widths[1], width)
        self.operations = nn.ModuleList(
            darts_operation(name, width, 2 if reduces and source < 2 else 1) for name, source in cell.pairs
        )

    def forward(self, s0: Tensor, s1: Tensor) -> Tensor:
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        for i in range(0, len(self.pairs), 2):
            left, right = (self.operations[i + j](states[self.pairs[i + j][1]]) for j in (0, 1))
            states.append(left + right)
        return torch.cat([states[i] for i in self.concat], dim=1)


def darts_operation(name: str, width: int, stride: int) -> nn.Module:
    """One of the ten operations, without batch norm."""
    if name == "none":
        return Zero(stride)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(width, width)
    if name == "conv_7x1_1x7":
        row = nn.Conv2d(width, width, (1, 7), (1, stride), (0, 3), bias=False)
        return nn.Sequential(nn.ReLU(), row, nn.Conv2d(width, width, (7, 1), (stride, 1), (3, 0), bias=False))
    k = int(name[-1])
    if name.startswith("dil_conv"):
        return _separable(width, k, stride, dilation=2)
    return nn.Sequential(_separable(width, k, stride), _separable(width, k, 1))


class Zero(nn.Module):
    """The operation `none`: zeros, with a gradient path that is zero."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride] * 0


class FactorizedReduce(nn.Module):
    """Half of the channels from even positions, half from odd ones."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(width_in, width // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(width_in, width // 2, 1, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        return torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1)


def _relu_conv(width_in: int, width: int) -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(width_in, width, 1, bias=False))


def _separable(width: int, k: int, stride: int, dilation: int = 1) -> nn.Module:
    padding = dilation * (k - 1) // 2
    depthwise = nn.Conv2d(width, width, k, stride, padding, dilation, groups=width, bias=False)
    return nn.Sequential(nn.ReLU(), depthwise, nn.Conv2d(width, width, 1, bias=False))


def _gradient(layer: nn.Conv2d | nn.Linear) -> Tensor:
    return torch.zeros_like(layer.weight) if layer.weight.grad is None else layer.weight.grad
