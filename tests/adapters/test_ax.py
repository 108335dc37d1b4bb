"""The real loop of Ax over our runner and metrics."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

pytest.importorskip("ax")

from ax.api.client import Client as AxClient
from ax.core.arm import Arm
from ax.core.trial_status import TrialStatus
from croze_client import BadInput, Client, Patience, Refused
from croze_client.adapters.ax import CrozeRunner, parameters
from croze_client.encodings import NASBENCH201

from tests.adapters.fixtures import DEAD

ALIVE = {**DEAD, "0_1": "skip_connect", "1_3": "nor_conv_1x1", "0_3": "nor_conv_3x3"}


def experiment(runner: CrozeRunner, objective: str) -> AxClient:
    ax = AxClient(random_seed=0)
    ax.configure_experiment(parameters(NASBENCH201))
    ax.configure_optimization(objective)
    ax.configure_runner(runner)
    ax.configure_metrics(runner.metrics())
    return ax


def test_a_search_with_a_model_has_the_services_scores(client: Client) -> None:
    ax = experiment(CrozeRunner(client, NASBENCH201), "croze")
    ax.run_trials(max_trials=6, parallelism=3)  # five are drawn, then a model is fitted
    rows = ax.summarize().to_dict("records")
    assert [row["trial_status"] for row in rows] == ["COMPLETED"] * 6
    assert len({row["generation_node"] for row in rows}) > 1
    for row in rows:
        (result,) = client.score([NASBENCH201.genotype(row)], space="nasbench201")
        assert row["croze"] == result.score
    _, values, *_ = ax.get_best_parameterization(use_model_predictions=False)
    mean, _ = values["croze"]
    assert mean == max(row["croze"] for row in rows)


def test_two_objectives(client: Client) -> None:
    ax = experiment(CrozeRunner(client, NASBENCH201, ["croze", "macs"]), "croze, -macs")
    ax.run_trials(max_trials=4, parallelism=4)
    rows = ax.summarize().to_dict("records")
    assert all(row["croze"] > 0 and row["macs"] > 0 for row in rows)
    front = ax.get_pareto_frontier(use_model_predictions=False)
    assert 1 <= len(front) <= 4


def test_a_dead_cell_is_a_failed_trial_with_a_reason_and_ends_nothing(client: Client) -> None:
    ax = experiment(CrozeRunner(client, NASBENCH201, ["jacob_cov"]), "jacob_cov")
    ax._experiment.new_trial().add_arm(Arm(parameters=DEAD)).run()
    ax.run_trials(max_trials=1)
    dead, other = ax.summarize().to_dict("records")
    assert (dead["trial_status"], other["trial_status"]) == ("FAILED", "COMPLETED")
    assert "singular_matrix" in dead["status_reason"]


def test_a_saved_search_goes_on_with_what_was_running(client: Client, tmp_path: Path) -> None:
    ax = experiment(CrozeRunner(client, NASBENCH201), "croze")
    ax._experiment.new_trial().add_arm(Arm(parameters=ALIVE)).run()
    ax.save_to_json_file(str(tmp_path / "search.json"))
    loaded = AxClient.load_from_json_file(str(tmp_path / "search.json"))
    with pytest.raises(BadInput, match="configure_runner"):
        loaded._experiment.runner.run_trial(1, ALIVE)
    runner = CrozeRunner(client, NASBENCH201)
    loaded.configure_runner(runner)
    loaded.configure_metrics(runner.metrics())
    loaded.run_trials(max_trials=1)
    rows = loaded.summarize().to_dict("records")
    assert [row["trial_status"] for row in rows] == ["COMPLETED"] * 2
    assert rows[0]["croze"] == client.score([NASBENCH201.genotype(ALIVE)], space="nasbench201")[0].score


def test_a_service_that_is_away_leaves_a_trial_running(client: Client) -> None:
    runner = CrozeRunner(client, NASBENCH201)
    metadata = runner.run_trial(0, ALIVE)
    with Client("http://127.0.0.1:9", patience=Patience(first=0, away=0)) as away:
        gone = CrozeRunner(away, NASBENCH201)
        assert gone.poll_trial(0, metadata) is TrialStatus.RUNNING
    other = CrozeRunner(client, NASBENCH201)  # of another process: what the trial says is enough
    while other.poll_trial(0, metadata) is TrialStatus.RUNNING:
        pass
    (result,) = client.score([NASBENCH201.genotype(ALIVE)], space="nasbench201")
    assert other.value(metadata, "croze") == result.score
    assert other.metrics()[0].fetch(0, metadata) == (0, result.score)


def test_a_job_that_the_service_has_forgotten_is_submitted_again(client: Client) -> None:
    runner = CrozeRunner(client, NASBENCH201)
    unknown = {"job_id": f"forgotten-{uuid4().hex}", "architecture": NASBENCH201.genotype(ALIVE)}
    assert runner.poll_trial(0, unknown) is TrialStatus.RUNNING
    while runner.poll_trial(0, unknown) is TrialStatus.RUNNING:
        pass
    assert runner.poll_trial(0, unknown) is TrialStatus.COMPLETED


def test_a_trial_that_was_stopped_and_one_whose_job_was_deleted_have_failed(client: Client) -> None:
    runner = CrozeRunner(client, NASBENCH201, settings={"channels": 64, "cells": 5}, batch="cifar10:train[0:64]")
    stopped, deleted = runner.run_trial(0, ALIVE), runner.run_trial(1, ALIVE)
    assert runner.stop_trial(0, stopped) == {}
    client.delete(deleted["job_id"])
    assert runner.poll_trial(0, stopped) is TrialStatus.FAILED
    assert runner.poll_trial(1, deleted) is TrialStatus.FAILED


def test_a_refusal_ends_the_search_with_its_reason(client: Client) -> None:
    with pytest.raises(Refused, match="float8"):
        experiment(CrozeRunner(client, NASBENCH201, precision="float8"), "croze").run_trials(max_trials=1)
