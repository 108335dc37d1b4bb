"""What every proxy must do. A new proxy's test class inherits `ProxyContract` and names itself."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

import pytest

from proxy.data.spec import Batch
from proxy.proxies import get_proxy
from proxy.scorer import Scorer
from proxy.spaces import SPACES
from proxy.task import Score
from tests.proxy.architectures import task_of


class ProxyContract:
    """Holds on every space that is in the table."""

    name: ClassVar[str]

    @pytest.fixture(params=sorted(SPACES))
    def space(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def score(self, space: str, batch: Batch, scorer: Scorer) -> Score:
        return self.scored(space, batch, scorer)

    def scored(self, space: str, batch: Batch, scorer: Scorer, *, layers: bool = False) -> Score:
        task = task_of(space, self.example(space), batch, proxies=(self.name,), layers=layers)
        (score,) = scorer.score(task, batch)
        return score

    def example(self, space: str) -> Any:
        """An architecture for which the proxy is defined."""
        entry = SPACES[space]
        return entry.formats[entry.canonical_format].example

    def test_value_is_a_finite_number(self, score: Score) -> None:
        assert score.status == "scored"
        assert score.error is None
        assert isinstance(score.value, float)
        assert math.isfinite(score.value)

    def test_components_are_those_declared(self, score: Score) -> None:
        assert set(score.components) == set(get_proxy(self.name).components)
        assert all(math.isfinite(value) for value in score.components.values())

    def test_record_says_what_the_value_depends_on(self, score: Score, batch: Batch) -> None:
        entry = get_proxy(self.name)
        seen = (batch.digest, 0, "float64") if entry.needs_batch else (None, None, None)
        assert (score.batch, score.seed, score.precision) == seen
        assert (score.revision, score.direction) == (entry.revision, entry.direction)

    def test_same_task_same_bits_whatever_came_before(self, space: str, batch: Batch, scorer: Scorer) -> None:
        first = self.scored(space, batch, scorer)
        for other in SPACES:
            self.scored(other, batch, scorer)
        assert self.scored(space, batch, scorer).value == first.value
        assert self.scored(space, batch, Scorer()).value == first.value

    def test_record_survives_json(self, space: str, batch: Batch, scorer: Scorer) -> None:
        score = self.scored(space, batch, scorer, layers=True)
        assert Score.from_json(json.loads(json.dumps(score.to_json()))) == score
