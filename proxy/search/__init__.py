"""Search for good architectures by their scores: proposals, moves, parents, fronts. Torch-free.

make_plan(...)  what is searched, how, and for what
Search(plan)    proposes rounds of architectures, and is told their values
STRATEGIES      the ways to search
"""

from proxy.search.errors import InvalidSearch, NothingAllowed
from proxy.search.plan import Plan, make_plan
from proxy.search.search import Proposal, Search, Trial
from proxy.search.strategies import STRATEGIES

__all__ = ["STRATEGIES", "InvalidSearch", "NothingAllowed", "Plan", "Proposal", "Search", "Trial", "make_plan"]
