"""A search: it proposes architectures in rounds, and is told their values. Torch-free.

What it proposes depends on its plan and on what it was told, and not on the order in which values were found. So a
search that was cut off is gone on with by telling a new one, round by round, what is known already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from proxy.search.objectives import points_of, proxies_of
from proxy.search.pareto import Point, front
from proxy.search.plan import Plan
from proxy.search.proposer import Found, Proposer
from proxy.search.strategies import Known
from proxy.spaces._base import Counts

#: At most so many are drawn together: they need not wait for each other.
_DRAWN_TOGETHER: Final = 1_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """An architecture that is to be scored."""

    number: int
    """From 0, in the order in which they were proposed."""
    round: int
    architecture: Any
    counts: Counts
    parent: int | None
    """Number of the trial that it was made from; None: it was drawn."""
    moves: int
    """How many moves away from that."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A proposal and its values."""

    proposal: Proposal
    values: Mapping[str, float] | None
    """By every proxy of the objectives; None: at least one has none."""


class Search:
    """One search, from its first round to its last.

    while round := search.ask():
        search.tell([values_of(proposal.architecture) for proposal in round])
    search.best
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.trials: list[Trial] = []
        """All that it was told, by number."""
        self.exhausted = False
        """Whether it ended because there is nothing new to propose."""
        self._rng = Random(plan.seed)  # noqa: S311 (not for security)
        self._proposer = Proposer(plan.space, plan.sampler, plan.settings, plan.image, plan.max_params, self._rng)
        self._rounds = 0
        self._open: list[Proposal] = []

    def ask(self) -> list[Proposal]:
        """The next round; empty when the search is over.

        Raises:
            NothingAllowed: no architecture is small enough.
        """
        assert not self._open, "tell() of the last round first"
        left = self.plan.budget - len(self.trials)
        if left > 0 and not self.exhausted:
            # A whole round, whatever the budget: then one that is larger proposes the same.
            self._open = self._propose()[:left]
            self._rounds += 1
        return [*self._open]

    def tell(self, values: Sequence[Mapping[str, float] | None]) -> None:
        """The values of the round that was asked for last, in its order.

        Args:
            values: by every proxy of the objectives; None for a trial that failed. It counts, and is never a parent.
        """
        wanted = {*proxies_of(self.plan.objectives)}
        assert all(each is None or wanted <= each.keys() for each in values), f"each has {wanted}, or is None"
        self.trials += [Trial(proposal, each) for proposal, each in zip(self._open, values, strict=True)]
        self._open = []

    @property
    def known(self) -> list[Known]:
        """The trials that have values, by number, with how good they are by each objective.

        Aggregates are ranked among all of them, so that points move while the search goes on.
        """
        scored = [(trial.proposal.number, trial.values) for trial in self.trials if trial.values is not None]
        points = points_of(self.plan.objectives, [values for _, values in scored])
        return [Known(number, point) for (number, _), point in zip(scored, points, strict=True)]

    @property
    def ranking(self) -> list[Trial]:
        """The trials that have values, the best by the first objective first; of equals, the first."""
        ordered = sorted(self.known, key=lambda each: (-each.point[0], each.number))
        return [self.trials[each.number] for each in ordered]

    @property
    def front(self) -> list[Trial]:
        """The trials that no other dominates, the best by the first objective first."""
        known = self.known
        members = [known[position] for position in front([each.point for each in known])]
        members.sort(key=_by_first_objective)
        return [self.trials[each.number] for each in members]

    @property
    def best(self) -> Trial | None:
        """The first of the front; None as long as no trial has values."""
        return next(iter(self.front), None)

    def _propose(self) -> list[Proposal]:
        sizes, choose, count = self.plan.sizes, None, self.plan.sizes.round
        parents = self.plan.strategy.parents
        to_draw = self.plan.budget if parents is None else sizes.start
        if len(self.trials) < to_draw:
            count = min(to_draw - len(self.trials), _DRAWN_TOGETHER)
        elif parents is not None and (known := self.known):
            choose = parents(known, sizes)
        proposals: list[Proposal] = []
        for _ in range(count):
            parent = None if choose is None else choose(self._rng)
            found = self._find(parent)
            if found is None:
                self.exhausted = True
                break
            number = len(self.trials) + len(proposals)
            parent = parent if found.moves else None
            proposals.append(Proposal(number, self._rounds, found.architecture, found.counts, parent, found.moves))
        return proposals

    def _find(self, parent: int | None) -> Found | None:
        if parent is None:
            return self._proposer.draw()
        return self._proposer.change(self.trials[parent].proposal.architecture)


def _by_first_objective(each: Known) -> tuple[Point, int]:
    return tuple(-value for value in each.point), each.number
