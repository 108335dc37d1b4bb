"""A study over the service: told as items finish, with failed trials that stop nothing."""

from __future__ import annotations

import pytest

optuna = pytest.importorskip("optuna")

from croze_client import BadInput, Client, Refused  # noqa: E402
from croze_client.adapters.optuna import optimize  # noqa: E402
from croze_client.encodings import DARTS, NASBENCH201  # noqa: E402

from tests.adapters.fixtures import DEAD  # noqa: E402


def test_a_study_has_the_services_scores(client: Client) -> None:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=6))
    study.enqueue_trial(DEAD)
    optimize(study, client, NASBENCH201, n_trials=14, at_once=6, objectives=["jacob_cov"])

    states = [trial.state.name for trial in study.trials]
    assert states[0] == "FAIL"
    assert "singular_matrix" in study.trials[0].user_attrs["error"]
    assert states.count("COMPLETE") > 5
    for trial in study.trials:
        (result,) = client.score([NASBENCH201.genotype(trial.params)], space="nasbench201", proxies=["jacob_cov"])
        assert (trial.value, trial.user_attrs["architecture"]) == (result.score, result.architecture)
    assert study.best_value == max(trial.value for trial in study.trials if trial.value is not None)


def test_two_objectives_and_darts(client: Client) -> None:
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=optuna.samplers.RandomSampler(seed=0))
    with Client(settings={"channels": 4, "layers": 3}, batch="cifar10:train[0:4]") as darts:
        optimize(study, darts, DARTS, n_trials=3, objectives=["params", "macs"])
    for trial in study.trials:
        assert trial.values == [trial.user_attrs["params"], trial.user_attrs["macs"]]
    with pytest.raises(BadInput, match="2 objectives for a study of 1"):
        optimize(optuna.create_study(), client, NASBENCH201, 1, objectives=["croze", "macs"])


def test_no_trial_stays_open_when_the_service_refuses(client: Client) -> None:
    study = optuna.create_study(direction="maximize")
    with pytest.raises(Refused):
        optimize(study, client, NASBENCH201, 4, precision="float8")
    assert [trial.state.name for trial in study.trials] == ["FAIL"] * 4
