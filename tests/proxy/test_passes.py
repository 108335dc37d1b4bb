"""One pass against plain PyTorch, and what it refuses."""

from __future__ import annotations

import random

import pytest
import torch
from torch.nn import functional

from proxy._resolve import resolve
from proxy.data.spec import Batch
from proxy.errors import RangeLost
from proxy.nets import Layer, Output, ScorableNet, Theta
from proxy.passes import loss_gradient, run
from proxy.scaled import Scaled
from proxy.spaces import SPACES
from tests.proxy.architectures import SMALL, random_genotype

DOUBLE = torch.float64


@pytest.mark.parametrize("exponent", [-3, 0, 7])
def test_loss_gradient_is_that_of_the_true_logits(exponent: int) -> None:
    value_NK, labels_N = torch.randn(4, 10, dtype=DOUBLE), torch.tensor([0, 3, 9, 3])
    logits_NK = (value_NK * 2.0**exponent).requires_grad_()
    (expected_NK,) = torch.autograd.grad(functional.cross_entropy(logits_NK, labels_N), logits_NK)
    ours = loss_gradient(Scaled(value_NK, exponent), labels_N)
    assert torch.allclose(ours.value * 2.0**ours.exponent, expected_NK, rtol=1e-12, atol=0)


@pytest.mark.parametrize("exponent", [2_000, 10**9])
def test_loss_gradient_of_logits_beyond_any_type_is_saturated(exponent: int) -> None:
    ours = loss_gradient(Scaled(torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=DOUBLE), exponent), torch.tensor([0, 0]))
    assert (ours.value * 2.0**ours.exponent).tolist() == [[-0.5, 0.5], [0.0, 0.0]]


def test_gradients_equal_plain_autograd_up_to_the_power_of_two_they_name(batch: Batch) -> None:
    genotype = random_genotype(random.Random(3))
    net: ScorableNet = resolve(SPACES["darts"].network)(
        genotype, SMALL["darts"], seed=0, batch_norm=False, image=batch.image
    )
    x_NCHW, labels_N = torch.from_numpy(batch.images_NCHW).double(), torch.from_numpy(batch.labels_N)
    theta = {name: value.abs() for name, value in net.parameters(x_NCHW).items()}
    wanted = tuple(layer.weight for layer in net.layers if layer.reaches_output)
    for name in wanted:
        theta[name].requires_grad_()
    ours = run(net, theta, x_NCHW, labels_N, wanted=wanted)
    output = net.forward(theta, Scaled(x_NCHW)).logits_NK
    loss = functional.cross_entropy(output.value * 2.0**output.exponent, labels_N)
    plain = torch.autograd.grad(loss, [theta[name] for name in wanted])
    for name, gradient in zip(wanted, plain, strict=True):
        scaled = ours.gradients[name]
        assert torch.allclose(scaled.value * 2.0**scaled.exponent, gradient, rtol=1e-9, atol=1e-300), name


class Fading(ScorableNet):
    """A network that multiplies each image by a factor of its own."""

    def __init__(self, factors: list[float]) -> None:
        super().__init__({"head.weight": torch.ones(2, 3)}, (Layer("head", 0, True),))
        self._factors = factors

    def forward(self, theta: Theta, x_NCHW: Scaled) -> Output:
        factors = torch.tensor(self._factors, dtype=x_NCHW.value.dtype)[:, None]
        pooled = x_NCHW.map(lambda x: x.mean(dim=(2, 3)) * factors)
        return Output(pooled.map(lambda x: x @ theta["head.weight"].to(x).T), (pooled,))


def test_an_image_whose_gradient_underflows_beside_another_is_refused() -> None:
    x_NCHW, labels_N = torch.rand(2, 3, 4, 4), torch.tensor([0, 1])
    both = run(
        Fading([1.0, 1e-20]), {"head.weight": torch.rand(2, 3)}, x_NCHW, labels_N, wanted=(), image_gradient=True
    )
    assert both.image_gradient_NCHW is not None
    assert (both.image_gradient_NCHW.sign() != 0).all()
    with pytest.raises(RangeLost, match="two images are too far apart"):
        run(Fading([1.0, 1e-36]), {"head.weight": torch.rand(2, 3)}, x_NCHW, labels_N, wanted=(), image_gradient=True)


def test_images_that_are_cut_off_from_the_logits_have_no_gradient() -> None:
    x_NCHW, labels_N = torch.rand(2, 3, 4, 4), torch.tensor([0, 1])
    cut = run(Fading([0.0, 0.0]), {"head.weight": torch.rand(2, 3)}, x_NCHW, labels_N, wanted=(), image_gradient=True)
    assert cut.image_gradient_NCHW is not None
    assert not cut.image_gradient_NCHW.any()
