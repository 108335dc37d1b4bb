"""[T] GraSP: how much the gradient flow depends on each weight.

Wang, Zhang, Grosse: Picking Winning Tickets Before Training by Preserving Gradient Flow (ICLR 2020), arXiv:2002.07376,
Eq. (8), summed over a network after Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS (ICLR 2021),
arXiv:2101.08134, Section 3.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from proxy.errors import ZeroGradient
from proxy.proxies._base import ProxyResult
from proxy.proxies.layer_sums import layer_sum
from proxy.scaled import Scaled
from proxy.subject import Subject


def compute(subject: Subject) -> ProxyResult:
    """Minus the sum over all weights of weight times (Hessian times gradient), of the mean cross entropy.

    Raises:
        ZeroGradient: the loss depends on no weight.
    """
    net, batch = subject.network(batch_norm=True), subject.batch
    # Channels first: the special forms of `proxy.kernels` can be differentiated once.
    images_NCHW = batch.images_NCHW.contiguous()
    theta = net.parameters(images_NCHW)
    layers = [layer for layer in net.layers if layer.reaches_output]
    weights = [theta[layer.weight].requires_grad_() for layer in layers]
    logits_NK = net.forward(theta, Scaled(images_NCHW)).logits_NK
    loss = F.cross_entropy(logits_NK.value * math.ldexp(1.0, logits_NK.exponent), batch.labels_N)
    gradients = torch.autograd.grad(loss, weights, create_graph=True, materialize_grads=True)
    half_squared_norm = sum((gradient * gradient.detach()).sum() for gradient in gradients)
    if not torch.is_tensor(half_squared_norm) or float(half_squared_norm.detach()) == 0:
        raise ZeroGradient("the loss does not depend on any weight")
    products = torch.autograd.grad(half_squared_norm, weights, materialize_grads=True)
    parts = {
        layer.name: Scaled(-(weight.detach() * product).sum())
        for layer, weight, product in zip(layers, weights, products, strict=True)
    }
    return layer_sum(net, parts)
