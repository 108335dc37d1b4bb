"""Nevergrad's minimize with our executor."""

from __future__ import annotations

import pytest

ng = pytest.importorskip("nevergrad")

from croze_client import Client, Refused  # noqa: E402
from croze_client.adapters.nevergrad import FAILED, CrozeExecutor, parametrization  # noqa: E402
from croze_client.encodings import NASBENCH201  # noqa: E402

from tests.adapters.fixtures import DEAD  # noqa: E402


def architecture(**chosen: str) -> object:
    return NASBENCH201.genotype(chosen)


@pytest.mark.parametrize("batch_mode", [True, False])
def test_a_search_finds_the_services_scores(client: Client, batch_mode: bool) -> None:
    told: dict[object, float] = {}
    optimizer = ng.optimizers.DiscreteOnePlusOne(parametrization(NASBENCH201), budget=15, num_workers=5)
    optimizer.parametrization.random_state.seed(0)
    optimizer.register_callback(
        "tell", lambda _, candidate, loss: told.update({architecture(**candidate.kwargs): loss})
    )
    executor = CrozeExecutor(client, space="nasbench201")
    best = optimizer.minimize(architecture, executor=executor, batch_mode=batch_mode)
    assert len(told) > 5
    for genotype, loss in told.items():
        (result,) = client.score([genotype], space="nasbench201")
        assert loss == (FAILED if result.score is None else -result.score)
    assert architecture(**best.kwargs) in told


def test_what_is_submitted_together_is_one_request_and_failures_are_losses(client: Client) -> None:
    executor = CrozeExecutor(client, objective="jacob_cov", space="nasbench201")
    alive = {**DEAD, "0_1": "skip_connect", "1_3": "nor_conv_1x1", "0_3": "nor_conv_3x3"}
    jobs = [executor.submit(architecture, **DEAD), executor.submit(architecture, **alive)]
    assert all(job.outcome is None for job in jobs)
    assert jobs[1].done()
    assert jobs[0].outcome is not None
    assert jobs[0].result() == FAILED
    assert jobs[1].result() < FAILED


def test_what_the_service_refuses_is_refused_each_time_it_is_asked_for(client: Client) -> None:
    job = CrozeExecutor(client, space="nasbench201", precision="float8").submit(architecture, **DEAD)
    for _ in range(2):
        with pytest.raises(Refused):
            job.result()
