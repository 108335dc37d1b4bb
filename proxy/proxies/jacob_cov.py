"""[T] The Jacobian covariance: how differently a network treats different images.

Mellor et al.: Neural Architecture Search without Training (first version, 2020), arXiv:2006.04647v1, in the form of
Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS (ICLR 2021), arXiv:2101.08134. The later form of the same idea
is `nwot`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from proxy.errors import SingularMatrix, ZeroGradient
from proxy.proxies._base import ProxyResult
from proxy.subject import Subject

#: Of the largest logit: a gradient below this is rounding. Of 214 random DARTS genotypes 20 stay below 3e-15, and the
#: others are above 7e-3.
NOISE = 1e-9
#: Keeps the logarithm of an eigenvalue of zero finite.
EPS = 1e-5


def compute(subject: Subject) -> ProxyResult:
    """Minus the sum over eigenvalues v of (log(v + eps) + 1 / (v + eps)), of the correlation matrix of the gradients of
    the sum of the logits with respect to each image.

    A batch norm takes off what all images of a batch have in common, and their sum is nothing else. Where every path to
    the output ends in one, as in many DARTS cells, the gradient is zero, and what is computed of it is rounding.

    Raises:
        ZeroGradient: the gradient is rounding and nothing else.
        SingularMatrix: an image has no gradient, or one that is the same for all of its pixels.
    """
    jacobian_ND = subject.training_pass.jacobian
    if 0 < float(jacobian_ND.abs().amax()) < NOISE * subject.training_pass.largest_logit:
        raise ZeroGradient(
            "the sum of the logits does not depend on the images: every path to the output ends in a batch norm"
        )
    v_N = eigenvalues(jacobian_ND)
    return ProxyResult(-float((v_N + EPS).log().sum() + (1 / (v_N + EPS)).sum()))


def eigenvalues(jacobian_ND: Tensor) -> Tensor:
    """Of the matrix of correlations between rows, ascending.

    Raises:
        SingularMatrix: a row is constant, and correlates with nothing.
    """
    centred_ND = jacobian_ND - jacobian_ND.mean(dim=1, keepdim=True)
    norm_N1 = centred_ND.norm(dim=1, keepdim=True)
    constant = int((norm_N1 == 0).sum())
    if constant or not bool(norm_N1.isfinite().all()):
        raise SingularMatrix(f"the gradient of {constant} of {len(norm_N1)} images is the same for all pixels")
    unit_ND = centred_ND / norm_N1
    # Rounding may leave an eigenvalue of zero a little below it.
    v_N: Tensor = torch.linalg.eigvalsh(unit_ND @ unit_ND.T).clamp(min=0)
    return v_N
