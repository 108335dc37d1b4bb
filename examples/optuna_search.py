"""Optuna: TPE over NAS-Bench-201 cells. Trials are scored eight at a time, and told as they finish.

Needs a running service (`croze up`), and in a checkout: pip install './client[optuna]'
"""

from __future__ import annotations

import optuna
from croze_client import Client
from croze_client.adapters.optuna import optimize
from croze_client.encodings import NASBENCH201

study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
with Client() as client:
    optimize(study, client, NASBENCH201, n_trials=24, at_once=8)

best = study.best_trial
print(f"{best.value:.4g}  {best.user_attrs['architecture']}  ({best.user_attrs['params']:,} parameters)")
