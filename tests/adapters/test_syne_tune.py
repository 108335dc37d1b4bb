"""The real Tuner of Syne Tune over our backend."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

pytest.importorskip("syne_tune")

from croze_client import BadInput, Client, Refused
from croze_client.adapters.syne_tune import FAILED, CrozeBackend, config_space
from croze_client.encodings import NASBENCH201
from syne_tune import StoppingCriterion, Tuner
from syne_tune.optimizer.baselines import REA, RandomSearch
from syne_tune.optimizer.schedulers.multiobjective import MultiObjectiveRegularizedEvolution
from syne_tune.optimizer.schedulers.single_fidelity_scheduler import SingleFidelityScheduler

from tests.adapters.fixtures import DEAD

SPACE = config_space(NASBENCH201)
Tune = Callable[..., Tuner]


@pytest.fixture
def tune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tune:
    """A Tuner that writes into a folder of the test's."""
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))

    def made(backend: CrozeBackend, scheduler: Any, trials: int, **options: Any) -> Tuner:
        stop = StoppingCriterion(max_num_trials_completed=trials)
        return Tuner(backend, scheduler, stop, n_workers=4, sleep_time=0, **options)

    return made


def rows(tuner: Tuner) -> list[dict[str, Any]]:
    return [row for row in tuner.tuning_status.trial_rows.values() if row["status"] == "Completed"]


def test_evolution_has_the_services_scores_and_a_dead_cell_ends_nothing(client: Client, tune: Tune) -> None:
    scheduler = REA(
        SPACE, "jacob_cov_loss", population_size=6, sample_size=3, random_seed=1, points_to_evaluate=[DEAD, DEAD, DEAD]
    )
    tuner = tune(CrozeBackend(client, NASBENCH201, ["jacob_cov"]), scheduler, 14)
    tuner.run()
    found = rows(tuner)
    assert len(found) >= 14
    for row in found:
        (result,) = client.score([NASBENCH201.genotype(row)], space="nasbench201", proxies=["jacob_cov"])
        assert (row["architecture"], row["params"]) == (result.architecture, result.params)
        assert row["jacob_cov_loss"] == (FAILED if result.score is None else -result.score)
        assert row["jacob_cov"] == result.score or math.isnan(row["jacob_cov"])
    assert [row["jacob_cov_loss"] for row in found].count(FAILED) >= 1
    _, best = tuner.best_config()
    assert min(found, key=lambda row: row["jacob_cov_loss"])["architecture"] == NASBENCH201.genotype(best)


def test_two_objectives_and_a_search_that_stops_in_the_middle(client: Client, tune: Tune) -> None:
    backend = CrozeBackend(client, NASBENCH201, ["croze", "macs"])
    searcher = MultiObjectiveRegularizedEvolution(SPACE, population_size=4, sample_size=2, random_seed=0)
    scheduler = SingleFidelityScheduler(SPACE, ["croze_loss", "macs_loss"], searcher=searcher)
    tuner = tune(backend, scheduler, 6)
    tuner.run()
    assert len(rows(tuner)) > 6
    assert all(row["macs_loss"] == row["macs"] > 0 and row["croze_loss"] == -row["croze"] < 0 for row in rows(tuner))
    assert backend.busy_trial_ids() == []
    assert set(tuner.tuning_status.last_trial_status_seen.values()) <= {"Completed", "Stopped"}


def test_what_started_together_is_one_job(client: Client) -> None:
    with patch.object(client, "submit", wraps=client.submit) as submit:
        backend = CrozeBackend(client, NASBENCH201, ["params"])
        for operation in ("none", "skip_connect"):
            backend.start_trial(dict.fromkeys(DEAD, operation))
        assert len(backend.busy_trial_ids()) == 2
        heard: list[int] = []
        while len(heard) < 2:
            heard += [trial_id for trial_id, _ in backend.fetch_status_results([0, 1])[1]]
    assert sorted(heard) == [0, 1]
    assert submit.call_count == 1
    assert backend.fetch_status_results([0, 1])[1] == backend.busy_trial_ids() == []


def test_a_refusal_ends_the_search_with_its_reason(client: Client, tune: Tune) -> None:
    with pytest.raises(Refused, match="float8"):
        tune(CrozeBackend(client, NASBENCH201, precision="float8"), RandomSearch(SPACE, ["croze_loss"]), 4).run()


def test_a_saved_tuner_goes_on_with_a_new_client(client: Client, tune: Tune) -> None:
    tuner = tune(CrozeBackend(client, NASBENCH201), RandomSearch(SPACE, ["croze_loss"], random_seed=3), 3)
    tuner.run()
    loaded = Tuner.load(str(tuner.tuner_path))
    loaded.stop_criterion = StoppingCriterion(max_num_trials_completed=8)
    with pytest.raises(BadInput, match="holds no client"):
        loaded.run()
    loaded.trial_backend.client = client
    loaded.run()
    assert len(rows(loaded)) >= 8
