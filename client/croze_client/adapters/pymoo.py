"""pymoo: a problem whose whole population is scored by one request a generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from pymoo.core.problem import Problem

from croze_client.client import Client
from croze_client.encodings import Encoding
from croze_client.objectives import Objectives
from croze_client.submission import Options

#: Of an architecture without a score: worse than any, and finite, because crowding distances are differences.
FAILED = 1e30


class CrozeProblem(Problem):
    """Integer variables, one for each of the encoding. pymoo minimises, so F is a loss: minus the score for proxies."""

    def __init__(
        self,
        client: Client,
        encoding: Encoding,
        objectives: Sequence[str] = ("croze",),
        **options: Unpack[Options],
    ) -> None:
        self.encoding = encoding
        self.wanted = Objectives.of(objectives)
        self.evaluate_population = client.evaluator(**self.wanted.options(encoding.options(options)))
        super().__init__(
            n_var=len(encoding.variables),
            n_obj=len(self.wanted.names),
            xl=0,
            xu=np.array(encoding.sizes) - 1,
            vtype=int,
        )

    def genotype(self, x: Any) -> Any:
        """The architecture of one row of X."""
        return self.encoding.genotype([round(value) for value in x])

    def _evaluate(self, x: Any, out: dict[str, Any], *_: Any, **__: Any) -> None:
        results = self.evaluate_population([self.genotype(row) for row in np.atleast_2d(x)])
        out["F"] = np.array([self.wanted.losses(result, FAILED) for result in results])
