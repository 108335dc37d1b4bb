"""How much comes before a job, and how long it will take: estimates, and said to be."""

from __future__ import annotations

from dataclasses import dataclass

from workers.records import JobLoad, Outlook


@dataclass(frozen=True, slots=True)
class Prospect:
    """What an unfinished job has before it."""

    position: int | None = None
    """Open items of jobs that are ahead of it: accepted before, or urgent."""
    eta_seconds: float | None = None
    """Seconds until it will have ended; None if nothing is known of what items cost, or it is not served."""
    served: bool | None = None
    """Whether a worker is alive that can score it; None if it has ended."""


def prospect(job_id: str, needs: frozenset[str], outlook: Outlook) -> Prospect:
    """What is before that job, which has not ended."""
    served = any(needs <= tags for tags in outlook.releases)
    ranked = sorted(outlook.jobs, key=lambda load: load.priority != "urgent")  # stable: oldest first in each
    own = next((load for load in ranked if load.id == job_id), None)
    if own is None:  # over 1,000 jobs wait
        return Prospect(served=served)
    ahead = ranked[: ranked.index(own)]
    return Prospect(sum(load.open for load in ahead), _eta(own, outlook) if served else None, served)


def _eta(own: JobLoad, outlook: Outlook) -> float | None:
    """Jobs take turns of equal length, urgent ones before all others: while one gets its work done, each other one
    gets as much done, or all that it has."""
    cost = _cost(own, outlook)
    if cost is None or outlook.workers == 0:
        return None
    work = own.left * cost
    seconds = work
    for other in outlook.jobs:
        others = other.left * (_cost(other, outlook) or cost)
        if other.id == own.id or (own.priority == "urgent" and other.priority == "normal"):
            continue
        before = own.priority == "normal" and other.priority == "urgent"
        seconds += others if before else min(others, work)
    return round(seconds / outlook.workers, 1)


def _cost(load: JobLoad, outlook: Outlook) -> float | None:
    """Seconds an item: as this job's items took so far, else as all items of late."""
    return load.seconds / load.computed if load.computed else outlook.cost
