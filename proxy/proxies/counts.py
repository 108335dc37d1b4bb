"""[T] Sizes as proxies: the baselines that every other proxy has to beat."""

from __future__ import annotations

from proxy.proxies._base import ProxyResult
from proxy.subject import Subject


def params(subject: Subject) -> ProxyResult:
    """Trainable parameters of the network with batch norm."""
    return ProxyResult(float(subject.counts.params))


def macs(subject: Subject) -> ProxyResult:
    """Multiply-accumulates of convolutions and linear layers for one image."""
    return ProxyResult(float(subject.counts.macs))
