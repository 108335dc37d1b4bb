"""Ray Tune: random cells, four trials at a time. One process talks to the service for all of them.

Needs a running service (`croze up`), and in a checkout: pip install './client[ray]'
"""

from __future__ import annotations

from croze_client import Client
from croze_client.adapters.ray import param_space, trainable
from croze_client.encodings import NASBENCH201
from ray import tune

with Client() as client:
    found = tune.Tuner(
        trainable(client, NASBENCH201),
        param_space=param_space(NASBENCH201),
        tune_config=tune.TuneConfig(
            metric="croze", mode="max", num_samples=8, max_concurrent_trials=4, reuse_actors=True
        ),
        run_config=tune.RunConfig(verbose=0),
    ).fit()

best = found.get_best_result().metrics
print(f"{best['croze']:.4g}  {best['architecture']}  ({best['params']:,} parameters)")
