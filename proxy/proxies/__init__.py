"""The table of proxies. Adding a proxy is one file and one entry here (docs/add-a-proxy.md)."""

from __future__ import annotations

from typing import Final

from proxy.errors import UnknownProxy, allowed_names, shown
from proxy.proxies._base import Proxy

CROZE_PAPER: Final = "Ha, Kim, Hwang: Generalizable Lightweight Proxy for Robust NAS (NeurIPS 2023), arXiv:2306.05031"

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
