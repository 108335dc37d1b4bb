"""Nevergrad: a discrete (1+1) search. What it submits together is scored together.

Needs a running service (`croze up`), and in a checkout: pip install './client[nevergrad]'
"""

from __future__ import annotations

import nevergrad as ng
from croze_client import Client
from croze_client.adapters.nevergrad import CrozeExecutor, parametrization
from croze_client.encodings import NASBENCH201


def architecture(**chosen: str) -> object:
    """What a candidate is; the executor turns it into a loss."""
    return NASBENCH201.genotype(chosen)


optimizer = ng.optimizers.DiscreteOnePlusOne(parametrization(NASBENCH201), budget=24, num_workers=8)
with Client(space="nasbench201") as client:
    executor = CrozeExecutor(client, objective="croze")
    best = optimizer.minimize(architecture, executor=executor, batch_mode=True)

print(f"{-best.loss:.4g}  {architecture(**best.kwargs)}")
