"""The networks that people train, as ordinary modules with batch norm, and the baselines as their authors' code takes
them: by hooks and autograd. They share nothing with `proxy` but the genotypes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from proxy.spaces.darts.genotype import CellGenotype, Genotype
from proxy.spaces.nasbench201.genotype import EDGES, Cell


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The network, constructed right after torch's global generator was seeded; in float64, in training mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().double().train()


class Zeros(nn.Module):
    """The operation `none`: what stands before it is cut off, what comes after it is a part of the network."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride]).requires_grad_()


def conv_bn(width_in: int, width: int, k: int, stride: int = 1, *, relu: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(width_in, width, k, stride, k // 2, bias=False)
    return nn.Sequential(*([nn.ReLU()] if relu else []), conv, nn.BatchNorm2d(width))


class PlainNasBench201(nn.Module):
    """Dong & Yang's network. All candidates of an edge are constructed, as their code does, and one is run."""

    def __init__(self, cell: Cell, channels: int, cells: int, classes: int) -> None:
        super().__init__()
        self.stem = conv_bn(3, channels, 3, relu=False)
        blocks: list[nn.Module] = []
        for stage in range(3):
            width = channels * 2**stage
            blocks += [PlainCell(cell, width) for _ in range(cells)]
            blocks += [PlainReduction(width)] if stage < 2 else []
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(4 * channels), nn.ReLU())
        self.head = nn.Linear(4 * channels, classes)

    def features(self, x: Tensor) -> Tensor:
        features: Tensor = self.last(self.blocks(self.stem(x)))
        return features

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))
        return logits


class PlainCell(nn.Module):
    def __init__(self, cell: Cell, width: int) -> None:
        super().__init__()
        self.operations = cell.operations
        self.candidates = nn.ModuleList(
            nn.ModuleDict(
                {
                    "nor_conv_3x3": conv_bn(width, width, 3),
                    "nor_conv_1x1": conv_bn(width, width, 1),
                    "avg_pool_3x3": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
                    "skip_connect": nn.Identity(),
                    "none": Zeros(),
                }
            )
            for _ in EDGES
        )

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x, *(torch.zeros_like(x) for _ in range(3))]
        for (target, source), operation, candidates in zip(EDGES, self.operations, self.candidates, strict=True):
            assert isinstance(candidates, nn.ModuleDict)
            nodes[target] = nodes[target] + candidates[operation](nodes[source])
        return nodes[3]


class PlainReduction(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(width, 2 * width, 1, bias=False))
        self.branch = nn.Sequential(conv_bn(width, 2 * width, 3, 2), conv_bn(2 * width, 2 * width, 3))

    def forward(self, x: Tensor) -> Tensor:
        summed: Tensor = self.residual(x) + self.branch(x)
        return summed


class PlainDarts(nn.Module):
    """Liu et al.'s network for CIFAR-10, without auxiliary head and drop path."""

    def __init__(self, genotype: Genotype, channels: int, layers: int, classes: int) -> None:
        super().__init__()
        width_before = width_last = 3 * channels
        self.stem = conv_bn(3, 3 * channels, 3, relu=False)
        self.cells = nn.ModuleList()
        width, reduced = channels, False
        for index in range(layers):
            reduces = index in (layers // 3, 2 * layers // 3)
            width *= 2 if reduces else 1
            cell = genotype.reduce if reduces else genotype.normal
            self.cells.append(PlainDartsCell(cell, (width_before, width_last), width, reduces=reduces, reduced=reduced))
            width_before, width_last, reduced = width_last, width * len(cell.concat), reduces
        self.head = nn.Linear(width_last, classes)

    def features(self, x: Tensor) -> Tensor:
        last: Tensor = self.stem(x)
        before = last
        for cell in self.cells:
            before, last = last, cell(before, last)
        return last

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))
        return logits


class PlainDartsCell(nn.Module):
    def __init__(
        self, cell: CellGenotype, widths: tuple[int, int], width: int, *, reduces: bool, reduced: bool
    ) -> None:
        super().__init__()
        self.pairs, self.concat = cell.pairs, cell.concat
        self.preprocess0 = PlainReduce(widths[0], width) if reduced else conv_bn(widths[0], width, 1)
        self.preprocess1 = conv_bn(widths[1], width, 1)
        self.operations = nn.ModuleList(
            darts_operation(name, width, 2 if reduces and source < 2 else 1) for name, source in cell.pairs
        )

    def forward(self, s0: Tensor, s1: Tensor) -> Tensor:
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        for i in range(0, len(self.pairs), 2):
            left, right = (self.operations[i + j](states[self.pairs[i + j][1]]) for j in (0, 1))
            states.append(left + right)
        return torch.cat([states[i] for i in self.concat], dim=1)


class PlainReduce(nn.Module):
    """FactorizedReduce."""

    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(width_in, width // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(width_in, width // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        normalised: Tensor = self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))
        return normalised


def darts_operation(name: str, width: int, stride: int) -> nn.Module:
    if name == "none":
        return Zeros(stride)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else PlainReduce(width, width)
    if name == "conv_7x1_1x7":
        row = nn.Conv2d(width, width, (1, 7), (1, stride), (0, 3), bias=False)
        column = nn.Conv2d(width, width, (7, 1), (stride, 1), (3, 0), bias=False)
        return nn.Sequential(nn.ReLU(), row, column, nn.BatchNorm2d(width))
    k = int(name[-1])
    if name.startswith("dil_conv"):
        return separable(width, k, stride, dilation=2)
    return nn.Sequential(separable(width, k, stride), separable(width, k, 1))


def separable(width: int, k: int, stride: int, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (k - 1) // 2
    depthwise = nn.Conv2d(width, width, k, stride, padding, dilation, groups=width, bias=False)
    return nn.Sequential(nn.ReLU(), depthwise, nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width))


class Hooked:
    """One pass of a batch: what every layer and every ReLU of the network put out, and what of it has a gradient."""

    def __init__(self, net: nn.Module, x: Tensor, y: Tensor) -> None:
        self.net, self.x = net, x.clone().requires_grad_()
        self.outputs: dict[nn.Module, Tensor] = {}
        hooks = [
            module.register_forward_hook(self._keep)
            for module in net.modules()
            if isinstance(module, nn.Conv2d | nn.Linear | nn.ReLU | nn.BatchNorm2d)
        ]
        self.logits = net(self.x)
        for hook in hooks:
            hook.remove()
        self.loss = F.cross_entropy(self.logits, y)
        gradients = torch.autograd.grad(self.loss, [*self.outputs.values()], retain_graph=True, allow_unused=True)
        self.gradients = dict(zip(self.outputs, gradients, strict=True))

    def _keep(self, module: nn.Module, _: object, output: Tensor) -> None:
        self.outputs[module] = output

    def reached(self, *kinds: type[nn.Module]) -> list[nn.Module]:
        """Modules of these kinds whose output the loss depends on, in order of construction."""
        return [
            module
            for module in self.net.modules()
            if isinstance(module, kinds) and self.gradients.get(module) is not None
        ]

    def weights(self) -> list[Tensor]:
        return [module.weight for module in self.reached(nn.Conv2d, nn.Linear)]  # type: ignore[misc]

    def weight_gradients(self, *, create_graph: bool = False) -> list[Tensor]:
        grads = torch.autograd.grad(
            self.loss, self.weights(), retain_graph=True, create_graph=create_graph, materialize_grads=True
        )
        return [*grads]

    def over_weights(self, part: Callable[[Tensor, Tensor], Tensor]) -> float:
        pairs = zip(self.weights(), self.weight_gradients(), strict=True)
        return sum(float(part(weight.detach(), gradient)) for weight, gradient in pairs)


def snip(one: Hooked) -> float:
    return one.over_weights(lambda weight, gradient: (weight * gradient).abs().sum())


def plain(one: Hooked) -> float:
    return one.over_weights(lambda weight, gradient: (weight * gradient).sum())


def grad_norm(one: Hooked) -> float:
    return one.over_weights(lambda _, gradient: gradient.norm())


def grasp(one: Hooked) -> float:
    gradients = one.weight_gradients(create_graph=True)
    product = sum((gradient.detach() * gradient).sum() for gradient in gradients)
    assert isinstance(product, Tensor)
    seconds = torch.autograd.grad(product, one.weights(), retain_graph=True, materialize_grads=True)
    return sum(float((-weight.detach() * second).sum()) for weight, second in zip(one.weights(), seconds, strict=True))


def fisher(one: Hooked) -> float:
    total = 0.0
    for module in one.reached(nn.Conv2d, nn.Linear):
        gradient = one.gradients[module]
        assert gradient is not None
        product = one.outputs[module].detach() * gradient
        per_channel_NC = product.flatten(2).sum(dim=2) if product.ndim > 2 else product
        total += float(per_channel_NC.pow(2).mean(dim=0).mul(0.5).sum())
    return total


def jacobian_of_sum(one: Hooked) -> Tensor:
    """[N, C, H, W]: of the sum of the logits."""
    (jacobian,) = torch.autograd.grad(one.logits, [one.x], torch.ones_like(one.logits), retain_graph=True)
    return jacobian


def jacob_cov(one: Hooked) -> float:
    jacobian = jacobian_of_sum(one)
    v = np.linalg.eigvalsh(np.corrcoef(jacobian.flatten(1).numpy()))
    return -float(np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5)))


def nwot(one: Hooked) -> float:
    kernel = torch.zeros((len(one.x),) * 2, dtype=torch.float64)
    for module in one.reached(nn.ReLU):
        code = (one.outputs[module].detach() > 0).flatten(1).double()
        kernel = kernel + code @ code.T + (1 - code) @ (1 - code).T
    return float(np.linalg.slogdet(kernel.numpy())[1])


def l2_norm(one: Hooked) -> float:
    """Of what the architecture uses, reached or not: unlike the others, no gradient says what that is."""
    modules = [module for module in one.outputs if isinstance(module, nn.Conv2d | nn.Linear)]
    return sum(float(module.weight.detach().norm()) for module in modules)


def zen(one: Hooked, seed: int) -> float:
    generator = torch.Generator().manual_seed(seed)
    deviations = 0.0

    def deviation(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        nonlocal deviations
        deviations += math.log(float(inputs[0].var(dim=(0, 2, 3), correction=0).mean() + 1e-5)) / 2

    with torch.no_grad():
        for weight in one.weights():
            weight.copy_(torch.randn(weight.shape, generator=generator))
        x, direction = (torch.randn(one.x.shape, generator=generator).double() for _ in range(2))
        norms = one.reached(nn.BatchNorm2d)
        hooks = [norm.register_forward_pre_hook(deviation) for norm in norms]
        before = one.net.features(x)  # type: ignore[operator]
        for hook in hooks:
            hook.remove()
        after = one.net.features(x + 0.01 * direction)  # type: ignore[operator]
    return math.log(float((after - before).abs().sum(dim=(1, 2, 3)).mean())) + deviations
