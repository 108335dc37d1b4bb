"""Ax: a few cells that cover the space, then what a Gaussian process expects to be good.

Needs a running service (`croze up`), and in a checkout: pip install './client[ax]'
"""

from __future__ import annotations

from ax.api.client import Client as AxClient
from croze_client import Client
from croze_client.adapters.ax import CrozeRunner, parameters
from croze_client.encodings import NASBENCH201

with Client() as client:
    runner = CrozeRunner(client, NASBENCH201)
    ax = AxClient(random_seed=0)
    ax.configure_experiment(parameters(NASBENCH201))
    ax.configure_optimization("croze")
    ax.configure_runner(runner)
    ax.configure_metrics(runner.metrics())
    ax.run_trials(max_trials=7, parallelism=3)

cell, values, *_ = ax.get_best_parameterization(use_model_predictions=False)
score, _ = values["croze"]
print(f"{score:.4g}  {NASBENCH201.genotype(cell)}")
