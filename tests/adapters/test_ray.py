"""The real Tuner of Ray over our trainable."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

import ray
from croze_client import Client, Refused
from croze_client.adapters.ray import _scorer, param_space, trainable
from croze_client.encodings import NASBENCH201
from ray import tune

from tests.adapters.fixtures import DEAD

ALIVE = {**DEAD, "0_1": "skip_connect", "1_3": "nor_conv_1x1", "0_3": "nor_conv_3x3"}


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    # By default what Ray starts gives way to all else on the machine, so that a busy one holds it up for minutes.
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _system_config={"worker_niceness": 0})
    yield
    ray.shutdown()


def search(trial: Any, folder: Path, metric: str, samples: int, **config: Any) -> tune.ResultGrid:
    return tune.Tuner(
        trial,
        param_space=param_space(NASBENCH201) | config,
        tune_config=tune.TuneConfig(
            metric=metric, mode="max", num_samples=samples, max_concurrent_trials=3, reuse_actors=True
        ),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    ).fit()


def test_a_search_has_the_services_scores(client: Client, tmp_path: Path) -> None:
    found = search(trainable(client, NASBENCH201, ["croze", "macs"]), tmp_path, "croze", 6)
    assert found.num_errors == 0
    for trial in found:
        (result,) = client.score([NASBENCH201.genotype(trial.config)], space="nasbench201")
        told = [trial.metrics[name] for name in ("croze", "macs", "params", "architecture")]
        assert told == [result.score, result.macs, result.params, result.architecture]
    assert found.get_best_result().metrics["croze"] == max(trial.metrics["croze"] for trial in found)


def test_a_dead_cell_is_nan_with_a_reason_and_ends_nothing(client: Client, tmp_path: Path) -> None:
    some = {"0_1": tune.grid_search(["none", "skip_connect"])}
    found = search(
        trainable(client, NASBENCH201, ["jacob_cov"]),
        tmp_path,
        "jacob_cov",
        1,
        **{**ALIVE, **DEAD, **some, "1_3": "nor_conv_1x1"},
    )
    assert found.num_errors == 0
    dead, other = sorted(found, key=lambda trial: str(trial.config["0_1"]))
    assert math.isnan(dead.metrics["jacob_cov"])
    assert "singular_matrix" in dead.metrics["error"]
    assert found.get_best_result().metrics["trial_id"] == other.metrics["trial_id"]


def test_what_is_asked_together_is_one_job_and_an_actor_that_dies_is_replaced(client: Client) -> None:
    scorer = _scorer(client, {"space": "nasbench201", "proxies": ["params"]})
    cells = [NASBENCH201.genotype([number] * 6) for number in range(4)]
    results = ray.get([scorer.score.remote(cell) for cell in cells], timeout=120)
    assert [result.architecture for result in results] == cells
    assert sorted(result.raw["index"] for result in results) == [0, 1, 2, 3]
    ray.kill(scorer, no_restart=False)
    again = ray.get(scorer.score.remote(cells[1]), timeout=120)
    assert again.score == results[1].score


def test_a_refusal_reaches_the_trial_with_its_reason(client: Client) -> None:
    scorer = _scorer(client, {"space": "nasbench201", "precision": "float8"})
    with pytest.raises(Refused, match="float8"):
        ray.get(scorer.score.remote(NASBENCH201.genotype(ALIVE)), timeout=120)
