"""What the scores of an item depend on, so that results of two kinds never end up in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from app.cli.scoring_request import ScoringRequest
from proxy.json_types import JsonScalar
from proxy.proxies import get_proxy

Basis: TypeAlias = Mapping[str, JsonScalar]
"""What people call it -> its value: "seed" -> 0, "channels" -> 16, "revision of croze" -> 1."""


def basis_of(item: Mapping[str, Any]) -> Basis:
    """All that one item tells: space, settings, proxies, and what each of those saw.

    Raises:
        KeyError, TypeError, AttributeError: it is no item.
    """
    scores = item["scores"]
    basis: dict[str, JsonScalar] = {"space": item["space"], "proxies": _names(scores), **item["settings"]}
    # An earlier release did not know of classes.
    basis["dedupe"] = "isomorphic" if item.get("representative") else "identical"
    for name, score in scores.items():
        basis[f"revision of {name}"] = score["revision"]
        # A proxy that sees no batch has none of these.
        basis |= {key: score[key] for key in ("batch", "seed", "precision") if score[key] is not None}
        if score.get("spread"):
            basis["seed"] = _seeds(score["spread"]["seeds"])
        if score["status"] == "scored":
            basis["per-layer tables"] = "layers" in score
    return basis


def basis_asked(request: ScoringRequest, settings: Mapping[str, int] | None = None, batch: str | None = None) -> Basis:
    """All that is known before anything is scored.

    Args:
        settings: complete; None if only those given are known, because a service will fill in the others.
        batch: digest; None likewise.
    """
    options = request.options
    basis: dict[str, JsonScalar] = {
        "space": request.space.name,
        "proxies": _names(options.proxies),
        **(options.settings if settings is None else settings),
        "per-layer tables": options.layers,
        "dedupe": options.dedupe,
    }
    if any(get_proxy(name).needs_batch for name in options.proxies):
        basis |= {"seed": _seeds(options.seeds), "precision": options.precision}
        basis |= {"batch": batch} if batch else {}
    if batch:  # here, and not at a service of perhaps another release
        basis |= {f"revision of {name}": get_proxy(name).revision for name in options.proxies}
    return basis


def differences(there: Basis, here: Basis) -> list[str]:
    """What both tell, and tell differently, `there` in a file and `here` in what is to be added."""
    return [
        f"{key}: {there[key]} in the file, {value} now"
        for key, value in here.items()
        if key in there and there[key] != value
    ]


def _names(proxies: Any) -> str:
    """In one order, whatever the order they were named in."""
    return ", ".join(sorted(proxies))


def _seeds(seeds: Sequence[int]) -> JsonScalar:
    """A number, as a score of one seed has it, or the numbers of several."""
    return seeds[0] if len(seeds) == 1 else ", ".join(map(str, seeds))
