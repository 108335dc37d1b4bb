"""Plans, and searches that are told made-up values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.search import Plan, Proposal, Search, make_plan
from proxy.spaces import get_space
from proxy.spaces._base import ImageShape

IMAGE = ImageShape(3, 32, 32)
Value = Callable[[Proposal], Mapping[str, float] | None]


def plan(space: str = "nasbench201", strategy: str = "warmup-move", objectives: str = "croze", **more: Any) -> Plan:
    """A plan at the space's default settings."""
    asked = {"settings": get_space(space).complete_settings({}, 10), "image": IMAGE, "budget": 60, **more}
    return make_plan(space, strategy=strategy, objectives=objectives, **asked)


def convolutions(proposal: Proposal) -> Mapping[str, float]:
    """A score that is high for cells with many convolutions, and has one best cell."""
    text: str = proposal.architecture.canonical
    return {
        "croze": 3.0 * text.count("nor_conv_3x3") + text.count("nor_conv_1x1") + 2.0 * text.count("sep_conv_5x5"),
        "jacob_cov": -float(text.count("avg_pool")),
        "macs": float(proposal.counts.macs),
        "params": float(proposal.counts.params),
    }


def run(search: Search, value: Value = convolutions) -> Search:
    """To its end."""
    while proposals := search.ask():
        search.tell([value(each) for each in proposals])
    return search


def texts(search: Search) -> list[str]:
    """What it proposed."""
    return [trial.proposal.architecture.canonical for trial in search.trials]
