"""A genetic algorithm of DEAP whose map is ours."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("deap")

from croze_client import Client
from croze_client.adapters.deap import RemoteMap
from croze_client.encodings import NASBENCH201
from deap import algorithms, base, creator, tools


def test_a_genetic_algorithm_has_the_services_scores(client: Client) -> None:
    random.seed(0)
    creator.create("Fitness", base.Fitness, weights=(1.0, -1.0))
    creator.create("Cell", list, fitness=creator.Fitness)
    toolbox = base.Toolbox()
    toolbox.register("individual", tools.initRepeat, creator.Cell, lambda: random.randrange(5), n=6)
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", tools.mutUniformInt, low=0, up=4, indpb=0.3)
    toolbox.register("select", tools.selNSGA2)
    toolbox.register("evaluate", NASBENCH201.genotype)
    toolbox.register("map", RemoteMap(client, ["croze", "params"], space="nasbench201"))
    population = [toolbox.individual() for _ in range(8)] + [creator.Cell([0] * 6)]
    population, log = algorithms.eaMuPlusLambda(population, toolbox, 6, 6, 0.5, 0.5, ngen=2, verbose=False)
    assert sum(entry["nevals"] for entry in log) > 9
    for cell in population:
        (result,) = client.score([NASBENCH201.genotype(cell)], space="nasbench201")
        assert cell.fitness.values == (result.score, result.params)
