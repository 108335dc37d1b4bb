"""Populations: score each architecture once, however often a search comes back to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from croze_client.results import ItemResult
from croze_client.submission import Architecture, Options
from croze_client.writing import id_in, without_id, written

if TYPE_CHECKING:
    from croze_client.async_client import AsyncClient
    from croze_client.client import Client


class _Memory:
    """Results by architecture. Those that no proxy could look at are not kept: the next try may do better."""

    def __init__(self) -> None:
        self._known: dict[str, ItemResult] = {}
        self._failed: dict[str, ItemResult] = {}

    def __len__(self) -> int:
        return len(self._known)

    def missing(self, names: Sequence[str], population: Sequence[object]) -> list[Architecture]:
        """What has to be scored, each once."""
        new = {name: each for name, each in zip(names, population, strict=True) if name not in self._known}
        return [without_id(each) for each in new.values()]

    def learn(self, names: Sequence[str], results: Iterable[ItemResult]) -> None:
        """Keep the results of what was missing."""
        self._failed.clear()
        new = list(dict.fromkeys(name for name in names if name not in self._known))
        for name, result in zip(new, results, strict=True):
            (self._known if result.scores else self._failed)[name] = result

    def results(self, names: Sequence[str], population: Sequence[object]) -> list[ItemResult]:
        """One result for each of the population."""
        found = [self._known.get(name) or self._failed[name] for name in names]
        return [
            replace(result, index=index, id=id_in(each))
            for index, (result, each) in enumerate(zip(found, population, strict=True))
        ]


class Evaluator:
    """Scores populations, and remembers what it has scored.

    `evaluator(population)` gives one result for each member, in order. `evaluator.scores(population)` gives numbers.
    """

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options
        self._memory = _Memory()

    def __len__(self) -> int:
        """How many architectures are known."""
        return len(self._memory)

    def __call__(self, population: Iterable[object]) -> list[ItemResult]:
        """One result for each, in order; members that are equal share one."""
        members = list(population)
        names = [written(each) for each in members]
        missing = self._memory.missing(names, members)
        self._memory.learn(names, self._client.score(missing, **self._options) if missing else ())
        return self._memory.results(names, members)

    def scores(self, population: Iterable[object], *, failed: float = -math.inf) -> list[float]:
        """The first proxy's value for each; `failed` where there is none."""
        return [_number(result, failed) for result in self(population)]


class AsyncEvaluator:
    """The same for `AsyncClient`."""

    def __init__(self, client: AsyncClient, options: Options) -> None:
        self._client = client
        self._options = options
        self._memory = _Memory()

    def __len__(self) -> int:
        """How many architectures are known."""
        return len(self._memory)

    async def __call__(self, population: Iterable[object]) -> list[ItemResult]:
        """One result for each, in order; members that are equal share one."""
        members = list(population)
        names = [written(each) for each in members]
        missing = self._memory.missing(names, members)
        self._memory.learn(names, await self._client.score(missing, **self._options) if missing else ())
        return self._memory.results(names, members)

    async def scores(self, population: Iterable[object], *, failed: float = -math.inf) -> list[float]:
        """The first proxy's value for each; `failed` where there is none."""
        return [_number(result, failed) for result in await self(population)]


def _number(result: ItemResult, failed: float) -> float:
    return failed if result.score is None else result.score
