"""Where a score stands among all architectures of its space, at settings at which all were scored once. Torch-free.

This folder holds the distributions, two files each: NAME.json says what its scores depend on and how they were made,
NAME.npz holds them in order of the space's index. docs/reference-scores.md defines the numbers.
"""

from __future__ import annotations

import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from proxy.proxies import get_proxy

#: Scores that differ by less than this part of them are equal: it is more than the environment or float32 can change,
#: and less than lies between any two networks but by rare chance.
TOLERANCE: Final = 1e-5

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
    """How many there are."""


class ReferenceScores:
    """The scores of all architectures of a space."""

    def __init__(self, conditions: Conditions, values: Iterable[float]) -> None:
        self.conditions = conditions
        self._sign = 1.0 if get_proxy(conditions.proxy).direction == "higher_is_better" else -1.0
        self._ascending = sorted(self._sign * value for value in values)
        """The worst first."""

    def place(self, value: float) -> Place:
        """Where `value`, scored at these conditions, stands."""
        goodness, count = self._sign * value, len(self._ascending)
        margin = TOLERANCE * abs(goodness)
        worse = bisect_left(self._ascending, goodness - margin)
        not_better = bisect_right(self._ascending, goodness + margin)
        # Four decimals hold every share of 15,625 exactly.
        percentile = round(100 * (worse + not_better) / (2 * count), 4)
        return Place(percentile, min(count - not_better + 1, count), count)


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
