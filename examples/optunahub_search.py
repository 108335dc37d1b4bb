"""OptunaHub: the service as a benchmark problem. CRoZe against the size of the network, trial by trial.

Needs a running service (`croze up`), and in a checkout: pip install './client[optunahub]'
"""

from __future__ import annotations

import optuna
from croze_client import Client
from croze_client.adapters.optunahub import CrozeProblem
from croze_client.encodings import NASBENCH201

with Client() as client:
    problem = CrozeProblem(client, NASBENCH201, ["croze", "params"])
    study = optuna.create_study(directions=problem.directions, sampler=optuna.samplers.NSGAIISampler(seed=0))
    study.optimize(problem, n_trials=12)

for trial in sorted(study.best_trials, key=lambda trial: trial.values[1]):
    score, params = trial.values
    print(f"croze {score:10.4g}  params {params:10,.0f}  {NASBENCH201.genotype(trial.params)}")
