"""[T] CRoZe: how consistent an untrained network stays with its robust twin.

Ha, Kim, Hwang: Generalizable Lightweight Proxy for Robust NAS against Diverse Perturbations (NeurIPS 2023),
arXiv:2306.05031, Eq. (3)-(10). Two variants:

- `official` is what the authors' code computes, and what the published tables were made with;
- `paper` follows the equations as printed.

Both push the weights of a twin uphill on the loss, perturb the images with one FGSM step on the twin, and multiply
per layer how well stage features (Z), parameters (P) and gradients (G) of the two networks agree. Neither knows what
space a network is from. The authors make four passes; the clean gradient is already the direction in which the
weights are perturbed, so three are enough.

Shape suffixes: N images, C channels, H height, W width, L layers of one shape, O output channels, S stages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from proxy.nets import ScorableNet, Theta
from proxy.passes import Pass, run
from proxy.proxies._base import LayerScore, ProxyResult
from proxy.scaled import Scaled
from proxy.stacks import Stack, alike, cosines, total
from proxy.subject import Subject

Names: TypeAlias = tuple[str, ...]
"""Of weights of one shape."""

#: Size of the weight perturbation relative to the norm of the weight (authors' code).
WEIGHT_STEP = 2.0
#: FGSM step, in normalised pixels.
IMAGE_STEP = 0.01
#: One step of gradient descent on both networks, Eq. (8) as printed.
LEARNING_RATE = 0.001


def official(subject: Subject) -> ProxyResult:
    """CRoZe as the authors' code computes it.

    Raises:
        RangeLost: a number on the way left the range of the precision.
    """
    net, batch = subject.network(batch_norm=False), subject.batch
    theta, groups = absolute(net, batch.images_NCHW)
    wanted = tuple(name for group in groups for name in group)
    clean = run(net, theta, batch.images_NCHW, batch.labels_N, wanted=wanted)
    uphill = [gradients(clean, group).raised() for group in groups]
    twin = climb(theta, groups, uphill)
    on_clean = run(net, twin, batch.images_NCHW, batch.labels_N, wanted=wanted, image_gradient=True)
    # Departs from Eq. (4), as published: the step goes down the loss, and normalised pixels are clamped to 0..1.
    perturbed_NCHW = (batch.images_NCHW - IMAGE_STEP * signs(on_clean)).clamp(0, 1)
    on_perturbed = run(net, twin, perturbed_NCHW, batch.labels_N, wanted=wanted)

    def agreement(group: Names, g: Stack) -> tuple[Tensor, Tensor]:
        # Departs from Eq. (8) and (9), as published: sums over positions of cosines along the output channels, so
        # that a layer counts in proportion to its size; parameters before any descent; and the twin's gradients of
        # both passes add up.
        g_twin = total(gradients(on_clean, group), gradients(on_perturbed, group)).raised()
        parameters = 1 + cosines(weights(twin, group), weights(theta, group))
        return parameters.flatten(1).sum(dim=1), cosines(g_twin, g).abs_().flatten(1).sum(dim=1)

    def features_agreement(z: Stack, z_twin: Stack) -> Tensor:
        return (1 + cosines(z_twin, z)).sum()  # Cosines along the batch.

    with torch.no_grad():
        agreements = [agreement(group, g) for group, g in zip(groups, uphill, strict=True)]
        return combine(net, groups, agreements, features(clean, on_perturbed, features_agreement))


def paper(subject: Subject) -> ProxyResult:
    """CRoZe as the paper's equations are printed, with absolute weights and without batch norm.

    Those two are not in the printed text. Without them the rank correlation with accuracy falls from about 0.77
    to 0.52 on NAS-Bench-201.

    Raises:
        RangeLost: a number on the way left the range of the precision.
    """
    net, batch = subject.network(batch_norm=False), subject.batch
    theta, groups = absolute(net, batch.images_NCHW)
    wanted = tuple(name for group in groups for name in group)
    clean = run(net, theta, batch.images_NCHW, batch.labels_N, wanted=wanted)
    uphill = [gradients(clean, group).raised() for group in groups]
    twin = climb(theta, groups, uphill)
    frozen = {name: value.detach() for name, value in twin.items()}
    on_clean = run(net, frozen, batch.images_NCHW, batch.labels_N, wanted=(), image_gradient=True)
    perturbed_NCHW = batch.images_NCHW + IMAGE_STEP * signs(on_clean)
    if batch.pixel_range_C11 is not None:
        perturbed_NCHW = perturbed_NCHW.clamp(*batch.pixel_range_C11)
    on_perturbed = run(net, twin, perturbed_NCHW, batch.labels_N, wanted=wanted)

    def agreement(group: Names, g: Stack) -> tuple[Tensor, Tensor]:
        g_twin = gradients(on_perturbed, group)
        stepped = descended(weights(theta, group), gradients(clean, group))
        stepped_twin = descended(weights(twin, group), g_twin)
        parameters = 1 + cosines(stepped_twin.flat().raised(), stepped.flat().raised())
        return parameters, cosines(g_twin.flat().raised(), g.flat()).abs()

    def features_agreement(z: Stack, z_twin: Stack) -> Tensor:
        return 1 + cosines(z_twin.flat(), z.flat()).sum()

    with torch.no_grad():
        agreements = [agreement(group, g) for group, g in zip(groups, uphill, strict=True)]
        return combine(net, groups, agreements, features(clean, on_perturbed, features_agreement))


def absolute(net: ScorableNet, like: Tensor) -> tuple[dict[str, Tensor], list[Names]]:
    """All parameters in the precision and on the device of `like`, replaced by their absolute values; and the names
    of the weights that take part, those of one shape together."""
    theta = {name: value.abs() for name, value in net.parameters(like).items()}
    taking_part = {layer.weight: theta[layer.weight].requires_grad_() for layer in net.layers if layer.reaches_output}
    return theta, [*alike(taking_part)]


def climb(theta: Theta, groups: Sequence[Names], uphill: Sequence[Stack]) -> dict[str, Tensor]:
    """The robust twin: every weight moved up the loss by twice its own norm. Biases and norms stay. Eq. (3)."""
    twin = dict(theta)
    for group, direction in zip(groups, uphill, strict=True):
        weight, norm = weights(theta, group), direction.norms()
        # A zero gradient leaves the weight where it is.
        step = torch.where(norm > 0, WEIGHT_STEP * weight.norms() / norm, 0)
        moved = weight.value_LO + step * direction.value_LO
        twin |= {name: value.requires_grad_() for name, value in zip(group, moved.unbind(), strict=True)}
    return twin


def signs(on_clean: Pass) -> Tensor:
    """Of the image gradient, Eq. (4)."""
    assert on_clean.image_gradient_NCHW is not None, "the pass was asked for it"
    return on_clean.image_gradient_NCHW.sign()


def weights(theta: Theta, group: Names) -> Stack:
    """Some weights of one shape."""
    return Stack.of([theta[name].detach() for name in group])


def gradients(a_pass: Pass, group: Names) -> Stack:
    """The gradients of some weights of one shape."""
    return Stack.of([a_pass.gradients[name].value for name in group], a_pass.gradients[group[0]].exponent)


def features(clean: Pass, perturbed: Pass, agreement: Callable[[Stack, Stack], Tensor]) -> list[Tensor | None]:
    """Z of each stage; None where a stage has no feature."""

    def alone(z: Scaled) -> Stack:
        # As it is: networks keep their activations near one.
        return Stack(z.value.unsqueeze(0), (z.exponent,))

    return [
        None if z is None or z_twin is None else agreement(alone(z), alone(z_twin))
        for z, z_twin in zip(clean.features, perturbed.features, strict=True)
    ]


def combine(
    net: ScorableNet,
    groups: Sequence[Names],
    agreements: Sequence[tuple[Tensor, Tensor]],
    stages: Sequence[Tensor | None],
) -> ProxyResult:
    """Sum of |Z * P * G| over layers, Eq. (10). Layers of one stage share its Z."""
    names = [name for group in groups for name in group]
    table_2L = torch.stack([torch.cat([pair[part].double() for pair in agreements]) for part in (0, 1)])
    z_S = [0.0 if z is None else float(z) for z in stages]
    p_and_g = dict(zip(names, zip(*table_2L.tolist(), strict=True), strict=True))
    rows = {}
    for layer in net.layers:
        if layer.reaches_output:
            assert stages[layer.stage] is not None, f"layer {layer.name} reaches the output and its stage does not"
            rows[layer.name] = (z_S[layer.stage], *p_and_g[layer.weight])
    return result(net, rows)


def result(net: ScorableNet, rows: Mapping[str, tuple[float, float, float]]) -> ProxyResult:
    """The score out of (Z, P, G) per layer. A layer that cannot reach the output has no gradient, and adds zero."""
    layers = []
    for layer in net.layers:
        z, p, g = rows.get(layer.name, (0.0, 0.0, 0.0))
        components = {"features": z, "parameters": p, "gradients": g}
        layers.append(LayerScore(layer.name, layer.stage, abs(z * p * g), components))
    totals = {part: sum(layer.components[part] for layer in layers) for part in ("features", "parameters", "gradients")}
    return ProxyResult(sum(layer.value for layer in layers), totals, tuple(layers))


def descended(weight: Stack, gradient: Stack) -> Stack:
    """The weights after one step of gradient descent, in float64, Eq. (8) as printed."""
    exponent = gradient.exponents[0]
    scale = max(exponent, 0)
    step = LEARNING_RATE * gradient.value_LO.double() * math.ldexp(1.0, exponent - scale)
    return Stack.of([*(weight.value_LO.double() * math.ldexp(1.0, -scale) - step)], scale)
