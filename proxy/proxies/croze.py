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

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from proxy.errors import NonFinite
from proxy.nets import Layer, ScorableNet, Theta
from proxy.proxies._base import LayerScore, ProxyResult
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
        NonFinite: a number on the way left the range of the precision.
    """
    net, batch = subject.network(batch_norm=False), subject.batch
    theta = absolute(net, batch.images_NCHW)
    clean = run(net, theta, batch.images_NCHW, batch.labels_N)
    twin = climb(theta, clean.gradients)
    on_clean = run(net, twin, batch.images_NCHW, batch.labels_N, image_gradient=True)
    # Departs from Eq. (4), as published: the step goes down the loss, and normalised pixels are clamped to 0..1.
    perturbed_NCHW = (batch.images_NCHW - IMAGE_STEP * on_clean.image_gradient.sign()).clamp(0, 1)
    on_perturbed = run(net, twin, perturbed_NCHW, batch.labels_N)
    # Departs from Eq. (9), as published: gradients of both passes over the twin add up.
    twin_gradients = {name: g + on_perturbed.gradients[name] for name, g in on_clean.gradients.items()}

    def agreement(layer: Layer, ranges: RangeGuard) -> tuple[Tensor, Tensor]:
        # Departs from Eq. (8) and (9), as published: sums over positions of cosines along the output channels,
        # so that a layer counts in proportion to its size; and parameters before any descent.
        parameters = 1 + cosines(twin[layer.weight], theta[layer.weight], ranges)
        gradients = cosines(twin_gradients[layer.weight], clean.gradients[layer.weight], ranges).abs()
        return parameters.sum(), gradients.sum()

    def features_agreement(z: Tensor, z_twin: Tensor, ranges: RangeGuard) -> Tensor:
        return (1 + cosines(z_twin, z, ranges)).sum()  # Cosines along the batch.

    return combine(net, clean, on_perturbed, agreement, features_agreement)


def paper(subject: Subject) -> ProxyResult:
    """CRoZe as the paper's equations are printed, with absolute weights and without batch norm.

    Those two are not in the printed text. Without them the rank correlation with accuracy falls from about 0.77
    to 0.52 on NAS-Bench-201.

    Raises:
        NonFinite: a number on the way left the range of the precision.
    """
    net, batch = subject.network(batch_norm=False), subject.batch
    theta = absolute(net, batch.images_NCHW)
    clean = run(net, theta, batch.images_NCHW, batch.labels_N)
    twin = climb(theta, clean.gradients)
    image_gradient_NCHW = run_to_image(net, twin, batch.images_NCHW, batch.labels_N)
    perturbed_NCHW = batch.images_NCHW + IMAGE_STEP * image_gradient_NCHW.sign()
    if batch.pixel_range_C11 is not None:
        perturbed_NCHW = perturbed_NCHW.clamp(*batch.pixel_range_C11)
    on_perturbed = run(net, twin, perturbed_NCHW, batch.labels_N)

    def agreement(layer: Layer, ranges: RangeGuard) -> tuple[Tensor, Tensor]:
        name = layer.weight
        g, g_twin = clean.gradients[name], on_perturbed.gradients[name]
        stepped, twin_stepped = theta[name] - LEARNING_RATE * g, twin[name] - LEARNING_RATE * g_twin
        parameters = 1 + flat_cosine(stepped, twin_stepped, ranges)
        return parameters, flat_cosine(g, g_twin, ranges).abs()

    def features_agreement(z: Tensor, z_twin: Tensor, ranges: RangeGuard) -> Tensor:
        return 1 + flat_cosine(z, z_twin, ranges)

    return combine(net, clean, on_perturbed, agreement, features_agreement)


@dataclass(frozen=True, eq=False)
class Pass:
    """What one forward and backward pass leaves behind."""

    features: tuple[Tensor | None, ...]
    gradients: Theta
    """Of the loss with respect to the weight of every layer that reaches the output."""
    image_gradient: Tensor


def absolute(net: ScorableNet, like: Tensor) -> dict[str, Tensor]:
    """All parameters in the precision and on the device of `like`, replaced by their absolute values."""
    theta = {name: value.to(like).abs() for name, value in net.theta.items()}
    for layer in reaching(net):
        theta[layer.weight].requires_grad_()
    return theta


def run(net: ScorableNet, theta: Theta, x_NCHW: Tensor, y_N: Tensor, *, image_gradient: bool = False) -> Pass:
    """Forward and backward of the mean cross entropy."""
    names = [layer.weight for layer in reaching(net)]
    x_NCHW = x_NCHW.detach().requires_grad_(image_gradient)
    output = net.forward(theta, x_NCHW)
    loss = F.cross_entropy(output.logits_NK, y_N)
    wanted = [theta[name] for name in names] + ([x_NCHW] if image_gradient else [])
    # Zeros where the loss does not depend on it: images of a network whose input is cut off from its output.
    gradients = torch.autograd.grad(loss, wanted, materialize_grads=True)
    return Pass(
        tuple(None if z is None else z.detach() for z in output.features),
        dict(zip(names, gradients, strict=False)),
        gradients[-1],
    )


def run_to_image(net: ScorableNet, theta: Theta, x_NCHW: Tensor, y_N: Tensor) -> Tensor:
    """The gradient of the loss with respect to the images alone."""
    x_NCHW = x_NCHW.detach().requires_grad_()
    theta = {name: value.detach() for name, value in theta.items()}
    loss = F.cross_entropy(net.forward(theta, x_NCHW).logits_NK, y_N)
    if not loss.requires_grad:  # The input is cut off from the output.
        return torch.zeros_like(x_NCHW)
    (gradient_NCHW,) = torch.autograd.grad(loss, x_NCHW)
    return gradient_NCHW


def climb(theta: Theta, gradients: Theta) -> dict[str, Tensor]:
    """The robust twin: every weight moved up the loss by twice its own norm. Biases and norms stay. Eq. (3)."""
    twin = dict(theta)
    for name, g in gradients.items():
        norm_of_g = g.norm()
        if norm_of_g > 0:  # A zero gradient leaves the weight where it is.
            moved = theta[name].detach() + WEIGHT_STEP * (theta[name].detach().norm() / norm_of_g) * g
            twin[name] = moved.requires_grad_()
    return twin


def combine(
    net: ScorableNet,
    clean: Pass,
    perturbed: Pass,
    agreement: Callable[[Layer, RangeGuard], tuple[Tensor, Tensor]],
    features_agreement: Callable[[Tensor, Tensor, RangeGuard], Tensor],
) -> ProxyResult:
    """Sum of |Z * P * G| over layers, Eq. (10). Layers of one stage share its Z."""
    ranges = RangeGuard()
    with torch.no_grad():
        stages = [
            None if z is None or z_twin is None else features_agreement(z, z_twin, ranges)
            for z, z_twin in zip(clean.features, perturbed.features, strict=True)
        ]
        rows = []
        for layer in reaching(net):
            features = stages[layer.stage]
            assert features is not None, f"layer {layer.name} reaches the output and its stage does not"
            rows.append(torch.stack((features, *agreement(layer, ranges))))
    table = torch.stack(rows).tolist()
    ranges.check()
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


class RangeGuard:
    """Remembers every norm, to tell a true zero from one that comes of an overflow.

    An overflown norm is infinite and makes its cosine zero: a score of zero or a low one, and no error. At 36 channels
    and 20 cells that happens even in float64, to good published networks (DRNAS_CIFAR).
    """

    def __init__(self) -> None:
        self._peaks: list[Tensor] = []

    def saw(self, norms: Tensor) -> None:
        """Take note of norms that a cosine was divided by."""
        self._peaks.append(norms.max())

    def check(self) -> None:
        """Raises NonFinite if any norm was infinite or not a number."""
        if not torch.isfinite(torch.stack(self._peaks)).all():
            raise NonFinite(
                "activations or gradients left the range of the precision, so the score is undefined; "
                "fewer layers or cells keep it in range"
            )


def cosines(a: Tensor, b: Tensor, ranges: RangeGuard) -> Tensor:
    """Cosine along dim 0 at every other position; each norm is floored at 1e-8, so a zero vector gives 0."""
    norm_a, norm_b = a.norm(dim=0), b.norm(dim=0)
    ranges.saw(norm_a)
    ranges.saw(norm_b)
    cosine: Tensor = (a * b).sum(dim=0) / norm_a.clamp_min(COSINE_FLOOR) / norm_b.clamp_min(COSINE_FLOOR)
    return cosine


def flat_cosine(a: Tensor, b: Tensor, ranges: RangeGuard) -> Tensor:
    """Cosine of two flattened tensors."""
    return cosines(a.flatten(), b.flatten(), ranges)
