"""What a search is after: proxies, or the sizes that come with every result, one or several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from croze_client.errors import BadInput
from croze_client.results import ItemResult
from croze_client.submission import Options

#: Known of every architecture without being asked for. Less is better.
SIZES = ("params", "macs")


@dataclass(frozen=True, slots=True)
class Objectives:
    """One or more, in the order in which the search knows them."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> Objectives:
        """Raises BadInput if there is none, or one is there twice."""
        if isinstance(names, str):
            names = (names,)
        if not names or len(set(names)) < len(names):
            raise BadInput(f"objectives are {', '.join(names) or 'none'}", "name one or more, each once")
        return cls(tuple(names))

    def options(self, options: Options) -> Options:
        """The same, with the proxies that are needed."""
        proxies = [name for name in self.names if name not in SIZES] or ["params"]
        return {"proxies": proxies, **options}

    def values(self, result: ItemResult) -> list[float] | None:
        """One value each, as the service gives it; None if one is missing."""
        values = [result.value(name) for name in self.names]
        return None if any(value is None for value in values) else [float(value or 0.0) for value in values]

    def losses(self, result: ItemResult, failed: float) -> list[float]:
        """One value each for those who minimise; all `failed` if one is missing."""
        losses = [self._loss(result, name) for name in self.names]
        return [failed] * len(losses) if any(map(math.isinf, losses)) else losses

    @staticmethod
    def _loss(result: ItemResult, name: str) -> float:
        if name in SIZES:
            size = result.value(name)
            return math.inf if size is None or not result.ended else size
        return result.scores[name].loss if name in result.scores else math.inf
