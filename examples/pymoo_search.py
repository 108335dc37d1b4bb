"""pymoo: NSGA-II, a high CRoZe score against few multiply-accumulates. One request a generation.

Needs a running service (`croze up`), and in a checkout: pip install './client[pymoo]'
"""

from __future__ import annotations

from croze_client import Client
from croze_client.adapters.pymoo import CrozeProblem
from croze_client.encodings import NASBENCH201
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

algorithm = NSGA2(
    pop_size=12,
    sampling=IntegerRandomSampling(),
    crossover=SBX(prob=0.9, vtype=float, repair=RoundingRepair()),
    mutation=PM(vtype=float, repair=RoundingRepair()),
    eliminate_duplicates=True,
)
with Client() as client:
    problem = CrozeProblem(client, NASBENCH201, ["croze", "macs"])
    found = minimize(problem, algorithm, ("n_gen", 3), seed=0)

for x, (loss, macs) in sorted(zip(found.X, found.F, strict=True), key=lambda pair: pair[1][1]):
    print(f"croze {-loss:10.4g}  macs {macs:12,.0f}  {problem.genotype(x)}")
