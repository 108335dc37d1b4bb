"""Populations: score each architecture once, however often a search comes back to it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from croze_client.results import ItemResult
from croze_client.submission import Options
from croze_client.writing import id_in, without_id, written

if TYPE_CHECKING:
    from croze_client.async_client import AsyncClient
    from croze_client.client import Client


class _Round:
    """Members of one call, and which of them are new. That is settled at its beginning: while these are scored, another
    call, of another thread or task, may learn the same."""

    def __init__(self, known: dict[str, ItemResult], population: Iterable[object]) -> None:
        self._known = known
        self._members = list(population)
        self._names = [written(each) for each in self._members]
        new = {name: each for name, each in zip(self._names, self._members, strict=True) if name not in known}
        self._new_names = list(new)
        self.new = [without_id(each) for each in new.values()]
        """What has to be scored, each once."""

    def results(self, of_new: Iterable[ItemResult]) -> list[ItemResult]:
        """One result for each member.

        What no proxy could look at is not remembered: the next try may do better.

        Args:
            of_new: the results of `new`, in order.
        """
        found = dict(zip(self._new_names, of_new, strict=True))
        self._known.update((name, result) for name, result in found.items() if result.scores)
        return [
            replace(found.get(name) or self._known[name], index=index, id=id_in(each))
            for index, (name, each) in enumerate(zip(self._names, self._members, strict=True))
        ]


class Evaluator:
    """Scores populations, and remembers what it has scored.

    `evaluator(population)` gives one result for each member, in order. `evaluator.scores(population)` gives numbers.
    """

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options
        self._known: dict[str, ItemResult] = {}

    def __len__(self) -> int:
        """How many architectures are known."""
        return len(self._known)

    def __call__(self, population: Iterable[object]) -> list[ItemResult]:
        """One result for each, in order; members that are equal share one."""
        asked = _Round(self._known, population)
        return asked.results(self._client.score(asked.new, **self._options) if asked.new else ())

    def scores(self, population: Iterable[object], *, failed: float = -math.inf) -> list[float]:
        """The first proxy's value for each; `failed` where there is none."""
        return [_number(result, failed) for result in self(population)]


class AsyncEvaluator:
    """The same for `AsyncClient`."""

    def __init__(self, client: AsyncClient, options: Options) -> None:
        self._client = client
        self._options = options
        self._known: dict[str, ItemResult] = {}

    def __len__(self) -> int:
        """How many architectures are known."""
        return len(self._known)

    async def __call__(self, population: Iterable[object]) -> list[ItemResult]:
        """One result for each, in order; members that are equal share one."""
        asked = _Round(self._known, population)
        return asked.results(await self._client.score(asked.new, **self._options) if asked.new else ())

    async def scores(self, population: Iterable[object], *, failed: float = -math.inf) -> list[float]:
        """The first proxy's value for each; `failed` where there is none."""
        return [_number(result, failed) for result in await self(population)]


def _number(result: ItemResult, failed: float) -> float:
    return failed if result.score is None else result.score
