"""[T] NWOT, also called NASWOT: how many patterns of active ReLUs tell the images of a batch apart.

Mellor, Turner, Storkey, Crowley: Neural Architecture Search without Training (ICML 2021), arXiv:2006.04647, Eq. (2)
and Section 4. The earlier form of the same idea is `jacob_cov`.
"""

from __future__ import annotations

import math

import torch

from proxy.errors import SingularMatrix
from proxy.proxies._base import ProxyResult
from proxy.subject import Subject


def compute(subject: Subject) -> ProxyResult:
    """log |det K|, with K the number of ReLUs that agree on two images.

    Departs from the authors' code where an operation `none` cuts a ReLU off from the logits: it counts there, but not
    here, as nothing that it does can be seen.

    Raises:
        SingularMatrix: all ReLUs agree on two of the images.
    """
    sign, value = torch.linalg.slogdet(subject.training_pass.agreement)
    if float(sign) <= 0 or not math.isfinite(float(value)):
        raise SingularMatrix("all ReLUs agree on two of the images, or there is none")
    return ProxyResult(float(value))
