"""OptunaHub: the service as a benchmark problem, which every study can optimise trial by trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import optunahub
from optuna.distributions import BaseDistribution
from optuna.exceptions import TrialPruned
from optuna.study import StudyDirection

from croze_client.adapters.optuna import distributions
from croze_client.client import Client
from croze_client.encodings import Encoding
from croze_client.objectives import SIZES, Objectives
from croze_client.submission import Options


class CrozeProblem(optunahub.benchmarks.BaseProblem):
    """`study.optimize(problem, n_trials)`. One request a trial: `adapters.optuna.optimize` is faster."""

    def __init__(
        self,
        client: Client,
        encoding: Encoding,
        objectives: Sequence[str] = ("croze",),
        **options: Unpack[Options],
    ) -> None:
        self._encoding = encoding
        self._wanted = Objectives.of(objectives)
        self._score = client.evaluator(**self._wanted.options(encoding.options(options)))

    @property
    def search_space(self) -> dict[str, BaseDistribution]:
        return distributions(self._encoding)

    @property
    def directions(self) -> list[StudyDirection]:
        """Sizes are to be small, proxies large."""
        return [StudyDirection.MINIMIZE if name in SIZES else StudyDirection.MAXIMIZE for name in self._wanted.names]

    def evaluate(self, params: dict[str, Any]) -> list[float]:
        """One value for each objective.

        Raises:
            TrialPruned: the architecture has no score; the study goes on.
        """
        (result,) = self._score([self._encoding.genotype(params)])
        values = self._wanted.values(result)
        if values is None:
            raise TrialPruned(str(result.reason))
        return values
