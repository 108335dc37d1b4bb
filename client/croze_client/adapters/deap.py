"""DEAP, and whatever else calls map(evaluate, individuals): all of them are scored by one request.

    toolbox.register("evaluate", NASBENCH201.genotype)      # makes the architecture
    toolbox.register("map", RemoteMap(client))              # scores what it made

It does not import DEAP.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Unpack

from croze_client.client import Client
from croze_client.objectives import SIZES, Objectives
from croze_client.submission import Options


class RemoteMap:
    """In the place of `map`. Fitness is as the service gives it: use weights of +1 for proxies and -1 for sizes."""

    def __init__(self, client: Client, objectives: Sequence[str] = ("croze",), **options: Unpack[Options]) -> None:
        self._wanted = Objectives.of(objectives)
        self._score = client.evaluator(**self._wanted.options(options))

    def __call__(self, function: Callable[[Any], Any], individuals: Iterable[Any]) -> list[tuple[float, ...]]:
        """One tuple of values for each individual; the worst there is for one without a score.

        Args:
            function: makes the architecture of an individual.
        """
        worst = tuple(math.inf if name in SIZES else -math.inf for name in self._wanted.names)
        results = self._score([function(each) for each in individuals])
        values = (self._wanted.values(result) for result in results)
        return [worst if each is None else tuple(each) for each in values]
