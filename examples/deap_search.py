"""DEAP: a genetic algorithm whose map scores each generation by one request.

Needs a running service (`croze up`), and in a checkout: pip install './client[deap]'
"""

from __future__ import annotations

import random

from croze_client import Client
from croze_client.adapters.deap import RemoteMap
from croze_client.encodings import NASBENCH201
from deap import algorithms, base, creator, tools

random.seed(0)
creator.create("Fitness", base.Fitness, weights=(1.0,))
creator.create("Cell", list, fitness=creator.Fitness)

toolbox = base.Toolbox()
toolbox.register("choice", random.randrange, 5)
toolbox.register("individual", tools.initRepeat, creator.Cell, toolbox.choice, n=6)
toolbox.register("population", tools.initRepeat, list, toolbox.individual)
toolbox.register("mate", tools.cxUniform, indpb=0.5)
toolbox.register("mutate", tools.mutUniformInt, low=0, up=4, indpb=0.2)
toolbox.register("select", tools.selTournament, tournsize=3)
toolbox.register("evaluate", NASBENCH201.genotype)  # makes the architecture of an individual

with Client(space="nasbench201") as client:
    toolbox.register("map", RemoteMap(client))  # scores what it made
    population, _ = algorithms.eaSimple(toolbox.population(n=12), toolbox, 0.6, 0.4, ngen=2, verbose=False)

(best,) = tools.selBest(population, 1)
print(f"{best.fitness.values[0]:.4g}  {NASBENCH201.genotype(best)}")
