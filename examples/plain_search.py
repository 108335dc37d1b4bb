"""No library: regularised evolution in a few lines, against a service that lives as long as this program.

Needs the distributions croze-client (in a checkout: pip install ./client) and croze in one environment
"""

from __future__ import annotations

import random

from croze_client import local_server
from croze_client.encodings import NASBENCH201

chance = random.Random(0)
with local_server(space="nasbench201", settings={"channels": 8, "cells": 1}) as client:  # small networks, for speed
    evaluate = client.evaluator()
    population = [[chance.randrange(5) for _ in range(6)] for _ in range(12)]
    for _generation in range(3):
        results = evaluate(map(NASBENCH201.genotype, population))
        ranked = sorted(zip(results, population, strict=True), key=lambda pair: pair[0].loss)
        parents = [cell for _, cell in ranked[:4]]
        population = parents + [[*parent] for parent in parents * 2]
        for child in population[4:]:
            child[chance.randrange(6)] = chance.randrange(5)

best = ranked[0][0]
print(f"{best.score:.4g}  {best.architecture}")
