"""Populations of pymoo: one request a generation, losses that are the service's scores."""

from __future__ import annotations

import pytest

pytest.importorskip("pymoo")

import numpy as np
from croze_client import Client
from croze_client.adapters.pymoo import FAILED, CrozeProblem
from croze_client.encodings import NASBENCH201
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize


def test_a_front_of_score_against_macs(client: Client) -> None:
    problem = CrozeProblem(client, NASBENCH201, ["croze", "macs"])
    algorithm = NSGA2(
        pop_size=8,
        sampling=IntegerRandomSampling(),
        crossover=SBX(vtype=float, repair=RoundingRepair()),
        mutation=PM(vtype=float, repair=RoundingRepair()),
    )
    found = minimize(problem, algorithm, ("n_gen", 3), seed=1)
    assert len(found.F) >= 1
    for x, (loss, macs) in zip(found.X, found.F, strict=True):
        (result,) = client.score([problem.genotype(x)], space="nasbench201")
        assert (-loss, macs) == (result.score, result.macs)
    # None of the front is worse than another in both.
    assert not any((a < b).all() for a in found.F for b in found.F)


def test_one_request_a_generation_and_a_finite_loss_for_what_has_no_score(client: Client) -> None:
    problem = CrozeProblem(client, NASBENCH201, ["jacob_cov"])
    losses = problem.evaluate(np.array([[0] * 6, [3] * 6, [3] * 6]))
    assert losses.shape == (3, 1)
    assert losses[0, 0] == FAILED
    assert losses[1, 0] == losses[2, 0] < FAILED
    assert len(problem.evaluate_population) == 2
