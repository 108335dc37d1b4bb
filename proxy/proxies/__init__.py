"""The table of proxies. Adding a proxy is one file and one entry here (docs/add-a-proxy.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proxy.errors import UnknownProxy, allowed_names, shown
from proxy.proxies._base import Proxy

CROZE_PAPER: Final = "Ha, Kim, Hwang: Generalizable Lightweight Proxy for Robust NAS (NeurIPS 2023), arXiv:2306.05031"

ABDELFATTAH: Final = "Abdelfattah et al.: Zero-Cost Proxies for Lightweight NAS (ICLR 2021), arXiv:2101.08134"
MELLOR: Final = "Mellor et al.: Neural Architecture Search without Training (ICML 2021), arXiv:2006.04647"

#: Parts of a CRoZe score, each summed over the layers that can reach the output.
CROZE_COMPONENTS: Final = {
    "features": "sum of Z, the agreement of stage features",
    "parameters": "sum of P, the agreement of weights",
    "gradients": "sum of G, the agreement of gradients",
}

PROXIES: Final[dict[str, Proxy]] = {
    proxy.name: proxy
    for proxy in (
        Proxy(
            name="croze",
            title="CRoZe, as the authors' code computes it",
            paper=CROZE_PAPER,
            definition="sum over weight layers of Z * P * G, each a sum of cosines over positions",
            revision=1,
            components=CROZE_COMPONENTS,
            sees_all=False,
            compute="proxy.proxies.croze:official",
        ),
        Proxy(
            name="croze:paper",
            title="CRoZe, as the paper's equations are printed",
            paper=CROZE_PAPER,
            definition="sum over weight layers of Z * P * G, each one cosine of flattened tensors",
            revision=1,
            components=CROZE_COMPONENTS,
            sees_all=False,
            compute="proxy.proxies.croze:paper",
        ),
        Proxy(
            name="params",
            title="Trainable parameters",
            paper="none: a count, and the baseline to beat",
            definition="parameters of the network with batch norm, without auxiliary head",
            revision=1,
            needs_batch=False,
            compute="proxy.proxies.counts:params",
        ),
        Proxy(
            name="macs",
            title="Multiply-accumulates per image",
            paper="none: a count",
            definition="multiply-accumulates of convolutions and linear layers for one image of the batch's size",
            revision=1,
            compute="proxy.proxies.counts:macs",
        ),
        Proxy(
            name="synflow",
            title="SynFlow: the product of all weights along all paths",
            paper=f"Tanaka et al. (NeurIPS 2020), arXiv:2006.05467; {ABDELFATTAH}",
            definition="log of the sum over weights of |w * dR/dw|, R = sum of logits of the absolute network on ones",
            revision=1,
            always_double=True,
            sees_all=False,
            compute="proxy.proxies.synflow:compute",
        ),
        Proxy(
            name="snip",
            title="SNIP: how much the loss depends on each weight",
            paper=f"Lee et al. (ICLR 2019), arXiv:1810.02340; {ABDELFATTAH}",
            definition="sum over weights of |w * dL/dw|, with batch norm",
            revision=1,
            always_double=True,
            shares_pass=True,
            sees_all=False,
            compute="proxy.proxies.snip:compute",
        ),
        Proxy(
            name="grasp",
            title="GraSP: how much the gradient flow depends on each weight",
            paper=f"Wang et al. (ICLR 2020), arXiv:2002.07376; {ABDELFATTAH}",
            definition="minus the sum over weights of w * (H dL/dw), with batch norm",
            revision=1,
            always_double=True,
            # It keeps the graph of its gradients: 1.4 to 2.1 was measured, with 32 images in both spaces.
            memory=2.5,
            sees_all=False,
            compute="proxy.proxies.grasp:compute",
        ),
        Proxy(
            name="fisher",
            title="Fisher: how much the loss depends on each channel",
            paper=f"Turner et al. (ICLR 2020), arXiv:1906.04113; {ABDELFATTAH}",
            definition="sum over channels of half the mean over images of (sum over positions of a * dL/da) squared",
            revision=1,
            always_double=True,
            shares_pass=True,
            sees_all=False,
            compute="proxy.proxies.fisher:compute",
        ),
        Proxy(
            name="grad_norm",
            title="Norm of the gradient",
            paper=ABDELFATTAH,
            definition="sum over layers of the L2 norm of dL/dw, with batch norm",
            revision=1,
            always_double=True,
            shares_pass=True,
            sees_all=False,
            compute="proxy.proxies.grad_norm:compute",
        ),
        Proxy(
            name="plain",
            title="Weight times gradient",
            paper=ABDELFATTAH,
            definition="sum over weights of w * dL/dw, with batch norm",
            revision=1,
            always_double=True,
            shares_pass=True,
            sees_all=False,
            compute="proxy.proxies.plain:compute",
        ),
        Proxy(
            name="jacob_cov",
            title="Jacobian covariance: how differently the network treats different images",
            paper=f"{MELLOR}v1; {ABDELFATTAH}",
            definition="minus the sum over eigenvalues v of log(v + eps) + 1 / (v + eps), of the images' Jacobians",
            revision=2,
            always_double=True,
            shares_pass=True,
            sees_all=False,
            compute="proxy.proxies.jacob_cov:compute",
        ),
        Proxy(
            name="nwot",
            title="NWOT: how well patterns of active ReLUs tell images apart",
            paper=MELLOR,
            definition="log |det K|, K the number of ReLUs that agree on two images, with batch norm",
            revision=1,
            always_double=True,
            shares_pass=True,
            sees_all=False,
            compute="proxy.proxies.nwot:compute",
        ),
        Proxy(
            name="zen",
            title="Zen-score: how far features move when the input does",
            paper="Lin et al.: Zen-NAS (ICCV 2021), arXiv:2102.01063",
            definition="log of the mean distance of features of x and x + 0.01 x', plus log deviations of batch norms",
            revision=1,
            sees_all=False,
            compute="proxy.proxies.zen:compute",
        ),
        Proxy(
            name="l2_norm",
            title="Norm of the weights",
            paper=ABDELFATTAH,
            definition="sum over layers of the L2 norm of the weight",
            revision=1,
            always_double=True,
            compute="proxy.proxies.l2_norm:compute",
        ),
    )
}


def get_proxy(name: str) -> Proxy:
    """The proxy of that name.

    Raises:
        UnknownProxy: there is none.
    """
    if name not in PROXIES:
        raise UnknownProxy(f"proxy {shown(name)} does not exist; {allowed_names(name, PROXIES)}")
    return PROXIES[name]


def peak_memory(names: Iterable[str]) -> float:
    """What a task of these proxies holds at its peak, as a multiple of `Space.peak_numbers`: one comes after another.

    Raises:
        UnknownProxy: there is none of that name.
    """
    return max(get_proxy(name).memory for name in names)
