"""What is known of the architectures that a search found: accuracies that were measured. Torch-free."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proxy.evaluation.members import Table
from proxy.evaluation.targets import make_targets
from proxy.search.search import Search
from proxy.spaces import get_space


@dataclass(frozen=True, slots=True)
class Standing:
    """How a search fared by one target."""

    target: str
    found: float | None
    """Accuracy of the best that it found, in percent; None if that was not measured."""
    best_tried: float | None
    """The best accuracy of all that it tried: what a perfect score would have found there."""
    better: int | None
    """How many architectures of the table are more accurate than the one that it found."""
    of: int
    """How many have an accuracy."""
    best: float
    """The best accuracy of all."""
    mean: float
    """Of all: what one architecture drawn at random has on average."""


class Measured:
    """Measured accuracies, by architecture."""

    def __init__(self, table: Table, targets: Sequence[str] = ()) -> None:
        """
        Args:
            table: its accuracies are in percent.
            targets: as `croze evaluate` names them; without, those that the table suggests.

        Raises:
            InvalidRequest: the table has none of that name.
        """
        self._space = get_space(table.space)
        self._rows: dict[str, dict[str, float]] = {architecture: {} for architecture in table.architectures}
        self._of_class: dict[str, dict[str, float]] = {}
        self.targets = [target.name for target in make_targets(table.columns, targets)]
        for target in make_targets(table.columns, targets):
            for architecture, value in zip(table.architectures, target.values.tolist(), strict=True):
                if not math.isnan(value):
                    self._rows[architecture][target.name] = value
        if self._space.isomorphism is not None:
            for text, row in self._rows.items():
                architecture = self._space.parse(text, self._space.canonical_format).architecture
                self._of_class.setdefault(self._space.isomorphism(architecture), row)

    def of(self, architecture: Any) -> dict[str, float]:
        """Target -> accuracy of that architecture, or of one that is equal to it as a function; empty if unknown."""
        own = self._rows.get(architecture.canonical)
        if own is None and self._space.isomorphism is not None:
            own = self._of_class.get(self._space.isomorphism(architecture))
        return own or {}

    def standings(self, search: Search) -> list[Standing]:
        """How the search fared by each target."""
        tried = [self.of(trial.proposal.architecture) for trial in search.trials if trial.values is not None]
        found = {} if search.best is None else self.of(search.best.proposal.architecture)
        return [self._standing(target, found.get(target), tried) for target in self.targets]

    def _standing(self, target: str, found: float | None, tried: Sequence[dict[str, float]]) -> Standing:
        every = [row[target] for row in self._rows.values() if target in row]
        return Standing(
            target=target,
            found=found,
            best_tried=max((row[target] for row in tried if target in row), default=None),
            better=None if found is None else sum(value > found for value in every),
            of=len(every),
            best=max(every),
            mean=math.fsum(every) / len(every),
        )
