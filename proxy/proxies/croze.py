"""[T] CRoZe: how consistent an untrained network stays with its robust twin.

Ha, Kim, Hwang: Generalizable Lightweight Proxy for Robust NAS against Diverse Perturbations (NeurIPS 2023),
arXiv:2306.05031, Eq. (3)-(10). Two variants:

- `official` is what the authors' code computes, and what the published tables were made with;
- `paper` follows the equations as printed.

Both push the weights of a twin uphill on the loss, perturb the images with one FGSM step on the twin, and multiply
per layer how well stage features (Z), parameters (P) and gradients (G) of the two networks agree. Neither knows what
space a network is from. The authors make four passes; the clean gradient is already the direction in which the
weights are perturbed, so three are enough.

Shape suffixes: N images, C channels, H height, W width.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from proxy.nets import Layer, ScorableNet, Theta
from proxy.passes import Pass, run
from proxy.proxies._base import LayerScore, ProxyResult
from proxy.scaled import Scaled
from proxy.subject import Subject

#: Size of the weight perturbation relative to the norm of the weight (authors' code).
WEIGHT_STEP = 2.0
#: FGSM step, in normalised pixels.
IMAGE_STEP = 0.01
#: One step of gradient descent on both networks, Eq. (8) as printed.
LEARNING_RATE = 0.001
#: Floor of each norm in a cosine, as in torch.nn.CosineSimilarity.
COSINE_FLOOR = 1e-8


def official(subject: Subject) -> ProxyResult:
    """CRoZe as the authors' code computes it.

    Raises:
        RangeLost: a number on the way left the range of the precision.
    """
    net, batch = subject.network(batch_norm=False), subject.batch
    wanted = tuple(layer.weight for layer in reaching(net))
    theta = absolute(net, batch.images_NCHW)
    clean = run(net, theta, batch.images_NCHW, batch.labels_N, wanted=wanted)
    twin = climb(theta, clean.gradients)
    on_clean = run(net, twin, batch.images_NCHW, batch.labels_N, wanted=wanted, image_gradient=True)
    # Departs from Eq. (4), as published: the step goes down the loss, and normalised pixels are clamped to 0..1.
    perturbed_NCHW = (batch.images_NCHW - IMAGE_STEP * signs(on_clean)).clamp(0, 1)
    on_perturbed = run(net, twin, perturbed_NCHW, batch.labels_N, wanted=wanted)

    def agreement(layer: Layer) -> tuple[Tensor, Tensor]:
        # Departs from Eq. (8) and (9), as published: sums over positions of cosines along the output channels, so
        # that a layer counts in proportion to its size; parameters before any descent; and the twin's gradients of
        # both passes add up.
        name = layer.weight
        parameters = 1 + cosines(Scaled(twin[name]), Scaled(theta[name]))
        twin_gradient = total(on_clean.gradients[name], on_perturbed.gradients[name])
        return parameters.sum(), cosines(twin_gradient, clean.gradients[name]).abs().sum()

    def features_agreement(z: Scaled, z_twin: Scaled) -> Tensor:
        return (1 + cosines(z_twin, z)).sum()  # Cosines along the batch.

    return combine(net, clean, on_perturbed, agreement, features_agreement)


def paper(subject: Subject) -> ProxyResult:
    """CRoZe as the paper's equations are printed, with absolute weights and without batch norm.

    Those two are not in the printed text. Without them the rank correlation with accuracy falls from about 0.77
    to 0.52 on NAS-Bench-201.

    Raises:
        RangeLost: a number on the way left the range of the precision.
    """
    net, batch = subject.network(batch_norm=False), subject.batch
    wanted = tuple(layer.weight for layer in reaching(net))
    theta = absolute(net, batch.images_NCHW)
    clean = run(net, theta, batch.images_NCHW, batch.labels_N, wanted=wanted)
    twin = climb(theta, clean.gradients)
    frozen = {name: value.detach() for name, value in twin.items()}
    on_clean = run(net, frozen, batch.images_NCHW, batch.labels_N, wanted=(), image_gradient=True)
    perturbed_NCHW = batch.images_NCHW + IMAGE_STEP * signs(on_clean)
    if batch.pixel_range_C11 is not None:
        perturbed_NCHW = perturbed_NCHW.clamp(*batch.pixel_range_C11)
    on_perturbed = run(net, twin, perturbed_NCHW, batch.labels_N, wanted=wanted)

    def agreement(layer: Layer) -> tuple[Tensor, Tensor]:
        name = layer.weight
        g, g_twin = clean.gradients[name], on_perturbed.gradients[name]
        parameters = 1 + flat_cosine(descended(theta[name], g), descended(twin[name], g_twin))
        return parameters, flat_cosine(g, g_twin).abs()

    def features_agreement(z: Scaled, z_twin: Scaled) -> Tensor:
        return 1 + flat_cosine(z, z_twin)

    return combine(net, clean, on_perturbed, agreement, features_agreement)


def absolute(net: ScorableNet, like: Tensor) -> dict[str, Tensor]:
    """All parameters in the precision and on the device of `like`, replaced by their absolute values."""
    theta = {name: value.abs() for name, value in net.parameters(like).items()}
    for layer in reaching(net):
        theta[layer.weight].requires_grad_()
    return theta


def climb(theta: Theta, gradients: Mapping[str, Scaled]) -> dict[str, Tensor]:
    """The robust twin: every weight moved up the loss by twice its own norm. Biases and norms stay. Eq. (3)."""
    twin = dict(theta)
    for name, gradient in gradients.items():
        direction, weight = gradient.rescaled().value, theta[name].detach()
        norm = direction.norm()
        if norm > 0:  # A zero gradient leaves the weight where it is.
            twin[name] = (weight + WEIGHT_STEP * (weight.norm() / norm) * direction).requires_grad_()
    return twin


def signs(on_clean: Pass) -> Tensor:
    """Of the image gradient, Eq. (4)."""
    assert on_clean.image_gradient_NCHW is not None, "the pass was asked for it"
    return on_clean.image_gradient_NCHW.sign()


def combine(
    net: ScorableNet,
    clean: Pass,
    perturbed: Pass,
    agreement: Callable[[Layer], tuple[Tensor, Tensor]],
    features_agreement: Callable[[Scaled, Scaled], Tensor],
) -> ProxyResult:
    """Sum of |Z * P * G| over layers, Eq. (10). Layers of one stage share its Z."""
    with torch.no_grad():
        stages = [
            None if z is None or z_twin is None else features_agreement(z, z_twin)
            for z, z_twin in zip(clean.features, perturbed.features, strict=True)
        ]
        rows = []
        for layer in reaching(net):
            features = stages[layer.stage]
            assert features is not None, f"layer {layer.name} reaches the output and its stage does not"
            rows.append(torch.stack((features, *agreement(layer))))
    table = torch.stack(rows).tolist()
    return result(net, {layer.name: row for layer, row in zip(reaching(net), table, strict=True)})


def result(net: ScorableNet, rows: dict[str, list[float]]) -> ProxyResult:
    """The score out of (Z, P, G) per layer. A layer that cannot reach the output has no gradient, and adds zero."""
    layers = []
    for layer in net.layers:
        z, p, g = rows.get(layer.name, (0.0, 0.0, 0.0))
        components = {"features": z, "parameters": p, "gradients": g}
        layers.append(LayerScore(layer.name, layer.stage, abs(z * p * g), components))
    totals = {part: sum(layer.components[part] for layer in layers) for part in ("features", "parameters", "gradients")}
    return ProxyResult(sum(layer.value for layer in layers), totals, tuple(layers))


def reaching(net: ScorableNet) -> Iterator[Layer]:
    """The layers that take part, in order."""
    return (layer for layer in net.layers if layer.reaches_output)


def cosines(a: Scaled, b: Scaled) -> Tensor:
    """Cosine along dim 0 at every other position, in float64; each norm is floored at 1e-8, so a zero vector gives 0.

    Raises:
        RangeLost: a norm is not finite. Its cosine would come out as zero, and the score too low without any error.
    """
    x, y = a.rescaled().to(torch.float64), b.rescaled().to(torch.float64)
    norm_x, norm_y = x.value.norm(dim=0), y.value.norm(dim=0)
    cosine: Tensor = (x.value * y.value).sum(dim=0) / norm_x.clamp_min(floor_of(x)) / norm_y.clamp_min(floor_of(y))
    return cosine


def flat_cosine(a: Scaled, b: Scaled) -> Tensor:
    """Cosine of two flattened tensors, as `cosines`."""
    return cosines(a.map(torch.flatten), b.map(torch.flatten))


def floor_of(x: Scaled) -> float:
    """The 1e-8 below which a norm counts as that, at the scale of `x.value`; above zero, for what is divided by it."""
    return max(math.ldexp(COSINE_FLOOR, min(-x.exponent, 1000)), sys.float_info.min)


def total(a: Scaled, b: Scaled) -> Scaled:
    """The sum of two gradients of one weight, in float64. What is too small to be seen beside the other is dropped."""
    large, small = (a, b) if a.exponent >= b.exponent else (b, a)
    factor = math.ldexp(1.0, small.exponent - large.exponent)
    return Scaled(large.value.double() + small.value.double() * factor, large.exponent)


def descended(weight: Tensor, gradient: Scaled) -> Scaled:
    """The weight after one step of gradient descent, in float64, Eq. (8) as printed."""
    scale = max(gradient.exponent, 0)
    step = LEARNING_RATE * gradient.value.double() * math.ldexp(1.0, gradient.exponent - scale)
    return Scaled(weight.detach().double() * math.ldexp(1.0, -scale) - step, scale)
