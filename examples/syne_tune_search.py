"""Syne Tune: regularised evolution. Four trials at a time, told as they finish.

Needs a running service (`croze up`), and in a checkout: pip install './client[syne-tune]'
"""

from __future__ import annotations

from croze_client import Client
from croze_client.adapters.syne_tune import CrozeBackend, config_space
from croze_client.encodings import NASBENCH201
from syne_tune import StoppingCriterion, Tuner
from syne_tune.optimizer.baselines import REA

with Client() as client:
    tuner = Tuner(
        CrozeBackend(client, NASBENCH201),
        REA(config_space(NASBENCH201), metric="croze_loss", population_size=8, sample_size=3, random_seed=0),
        StoppingCriterion(max_num_trials_completed=16),
        n_workers=4,
        sleep_time=0,  # the backend waits by itself
    )
    tuner.run()

_, cell = tuner.best_config()
print(NASBENCH201.genotype(cell))
