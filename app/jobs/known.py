"""Scores that are known already: asking twice is free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proxy.task import Environment, address
from workers.records import ItemOutcome, ItemSpec, JobSpec

if TYPE_CHECKING:
    from workers.store import Store


def known_outcomes(store: Store, job: JobSpec, items: Sequence[ItemSpec]) -> dict[int, ItemOutcome]:
    """The items of a job whose every score is known, by index.

    The scores of one item come from one environment, so that they can be compared; the environment seen last is
    asked first. A table of layers is not kept with a score: a job that wants it is computed.
    """
    found: dict[int, ItemOutcome] = {}
    if job.layers:
        return found
    for environment in store.fleet.environments():
        missing = [item for item in items if item.index not in found]
        if not missing:
            break
        found |= _known_in(environment, store, job, missing)
    return found


def _known_in(
    environment: Environment, store: Store, job: JobSpec, items: Sequence[ItemSpec]
) -> dict[int, ItemOutcome]:
    addresses = [address(job.task(item.architecture), proxy, environment) for item in items for proxy in job.proxies]
    scores = store.scores.known(addresses)
    found: dict[int, ItemOutcome] = {}
    for position, item in enumerate(items):
        first = position * len(job.proxies)
        its_scores = scores[first : first + len(job.proxies)]
        known = [score for score in its_scores if score is not None]
        if len(known) == len(job.proxies):
            # Only what has a value is remembered.
            found[item.index] = ItemOutcome(status="scored", scores=dict(zip(job.proxies, known, strict=True)))
    return found
