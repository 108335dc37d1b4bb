"""Items as JSON, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proxy.json_types import JsonObject


def in_input_order(items: Iterable[JsonObject]) -> Iterator[JsonObject]:
    """Items, which come as they finish, by index from 0: each is held back until all before it are there."""
    waiting: dict[int, JsonObject] = {}
    next_index = 0
    for item in items:
        index = item["index"]
        assert isinstance(index, int), "an item has an index"
        waiting[index] = item
        while next_index in waiting:
            yield waiting.pop(next_index)
            next_index += 1
    assert not waiting, f"item {next_index} never came"


def score_of(item: Mapping[str, object], proxy: str) -> JsonObject | None:
    """The item's score by `proxy`; None if it has none."""
    scores = item["scores"]
    score = scores.get(proxy) if isinstance(scores, dict) else None
    return score if isinstance(score, dict) else None


def value_of(item: Mapping[str, object], proxy: str) -> float | None:
    """The number alone; None unless it was scored."""
    score = score_of(item, proxy)
    value = score["value"] if score else None
    return value if isinstance(value, int | float) else None


def spread_of(item: Mapping[str, object], proxy: str) -> JsonObject | None:
    """How far the scores of several seeds lie apart; None for one seed, or if it does not matter."""
    score = score_of(item, proxy)
    spread = score.get("spread") if score else None
    return spread if isinstance(spread, dict) else None


def reference_of(item: Mapping[str, object], proxy: str) -> JsonObject | None:
    """Where the score stands among all architectures of the space; None where that is not known."""
    score = score_of(item, proxy)
    reference = score.get("reference") if score else None
    return reference if isinstance(reference, dict) else None


def aggregate_of(item: Mapping[str, object]) -> dict[str, Any]:
    """What the aggregate says of the item; empty if there is none."""
    standing = item.get("aggregate")
    return standing if isinstance(standing, dict) else {}


def failures(item: Mapping[str, object]) -> list[str]:
    """Why the item, or one of its proxies, has no value: "code: message"."""
    found = [("", item.get("error"))]
    scores = item["scores"]
    if isinstance(scores, dict):
        found += [(f"{name}: ", score.get("error")) for name, score in scores.items()]
    return [f"{prefix}{error['code']}: {error['message']}" for prefix, error in found if isinstance(error, dict)]
