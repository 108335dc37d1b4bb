"""The service as a benchmark problem of OptunaHub."""

from __future__ import annotations

import pytest

pytest.importorskip("optunahub")
optuna = pytest.importorskip("optuna")

from croze_client import Client  # noqa: E402
from croze_client.adapters.optunahub import CrozeProblem  # noqa: E402
from croze_client.encodings import NASBENCH201  # noqa: E402

from tests.adapters.fixtures import DEAD  # noqa: E402


def test_a_study_optimizes_the_problem(client: Client) -> None:
    problem = CrozeProblem(client, NASBENCH201, ["jacob_cov", "params"])
    study = optuna.create_study(directions=problem.directions, sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(DEAD)
    study.optimize(problem, n_trials=5)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.trials[0].state.name == "PRUNED"
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    assert complete
    for trial in complete:
        assert trial.values == problem.evaluate(trial.params)
