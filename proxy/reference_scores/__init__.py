"""Where a score stands among all architectures of its space, at settings at which all were scored once. Torch-free.

This folder holds the distributions, two files each: NAME.json says what its scores depend on and how they were made,
NAME.npz holds them in order of the space's index. docs/reference-scores.md defines the numbers.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from proxy.ranking import Ladder, goodness_of

Key: TypeAlias = tuple[object, ...]


class Conditions(NamedTuple):
    """What scores depend on: only those of equal conditions are compared."""

    space: str
    settings: Mapping[str, int]
    """Complete."""
    proxy: str
    revision: int
    batch: str | None
    """Digest; this and the next two are None for a proxy that sees no images."""
    seed: int | None
    precision: str | None

    def key(self) -> Key:
        """The same, to look up by."""
        numbers = frozenset(self.settings.items())
        return (self.space, numbers, self.proxy, self.revision, self.batch, self.seed, self.precision)


class Place(NamedTuple):
    """Where a score stands."""

    percentile: float
    """0 to 100: the share of all scores below it, and half of those equal to it, its own among them."""
    rank: int
    """1 is the best; equal scores share the best of their ranks."""
    of: int
    """How many there are: architectures for which the proxy is undefined are not among them."""


class ReferenceScores:
    """The scores of all architectures of a space; NaN where there is none."""

    def __init__(self, conditions: Conditions, values: Iterable[float]) -> None:
        self.conditions = conditions
        self.ladder = Ladder(goodness_of(conditions.proxy, value) for value in values if not math.isnan(value))

    def place(self, value: float) -> Place:
        """Where `value`, scored at these conditions, stands."""
        worse, equal = self.ladder.standing(goodness_of(self.conditions.proxy, value))
        count = len(self.ladder)
        # Four decimals hold every share of 15,625 exactly.
        percentile = round(100 * (2 * worse + equal) / (2 * count), 4)
        return Place(percentile, min(count - worse - equal + 1, count), count)


def find_reference(conditions: Conditions) -> ReferenceScores | None:
    """The distribution of exactly these conditions; None if none is shipped."""
    return shipped().get(conditions.key())


@cache
def shipped() -> dict[Key, ReferenceScores]:
    """All distributions of this folder."""
    return read_folder(files(__name__))


def read_folder(folder: Any) -> dict[Key, ReferenceScores]:
    """All distributions of a folder, by their conditions.

    Args:
        folder: a `Path`, or what stands for one inside a package.
    """
    found: dict[Key, ReferenceScores] = {}
    for file in folder.iterdir():
        if file.name.endswith(".json"):
            about = json.loads(file.read_text("utf-8"))
            scores = (folder / f"{file.name.removesuffix('.json')}.npz").read_bytes()
            with np.load(io.BytesIO(scores), allow_pickle=False) as arrays:
                reference = ReferenceScores(Conditions(**about["conditions"]), arrays["scores"].tolist())
            found[reference.conditions.key()] = reference
    return found
