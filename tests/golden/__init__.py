"""Numbers that a refactor must reproduce, with where they are from and how close is close enough."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Relative; two correct float64 implementations differ by up to 5e-10 (rounding, ties of sign and max pool).
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Golden:
    """One pinned score."""

    space: str
    architecture: Any
    settings: Mapping[str, int]
    seed: int
    batch: str
    score: float
    layer_scores: tuple[float, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        return self.name or str(self.architecture)


def goldens(file: str) -> list[Golden]:
    """The measurements of a file in this folder."""
    measurements = json.loads((Path(__file__).parent / file).read_text())["measurements"]
    return [Golden(**{**each, "layer_scores": tuple(each.get("layer_scores", ()))}) for each in measurements]


OFFICIAL = goldens("croze_official.json")
PAPER = goldens("croze_paper.json")
#: Each with the scores of all baseline proxies.
BASELINES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "baselines.json").read_text())["measurements"]
