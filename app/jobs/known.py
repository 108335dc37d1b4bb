"""Scores that are known already: asking twice is free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from proxy.json_types import JsonObject
from proxy.proxies import PROXIES
from proxy.task import Environment, ScoringTask, address
from workers.outcomes import outcome_of
from workers.records import ItemOutcome, ItemSpec, JobSpec

if TYPE_CHECKING:
    from workers.store import Store

#: Items looked up at a time: with many seeds each has many scores, and only their means are kept.
_CHUNK: Final = 1000


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
        for start in range(0, len(missing), _CHUNK):
            found |= _known_in(environment, store, job, missing[start : start + _CHUNK])
    return found


def digest_of(score: Mapping[str, Any], item: ItemSpec, job: JobSpec) -> str | None:
    """Under which a score is remembered, as `GET /v1/scores/{digest}` takes it. None for what is not: a failure, a mean
    over seeds, a score of a revision that this release has not.

    Args:
        score: `proxy.task.Score` as JSON, of that item.
    """
    proxy = PROXIES.get(score["proxy"])
    if score["status"] != "scored" or "spread" in score or proxy is None or proxy.revision != score["revision"]:
        return None
    return address(job.task(item.architecture), proxy.name, Environment(**score["environment"]))


def _known_in(
    environment: Environment, store: Store, job: JobSpec, items: Sequence[ItemSpec]
) -> dict[int, ItemOutcome]:
    # What the first seed says nothing of is not looked up for the others: of a job that is new, they are most.
    left = {item.index: (job.tasks(item.architecture), list[dict[str, JsonObject]]()) for item in items}
    for number in range(max(1, len(job.seeds))):
        asked = {index: tasks[number] for index, (tasks, _) in left.items() if number < len(tasks)}
        for index, scores in zip(asked, _known(environment, store, [*asked.values()]), strict=True):
            if scores is None:
                del left[index]
            else:
                left[index][1].append(scores)
    return {index: outcome_of(job, answers) for index, (_, answers) in left.items()}


def _known(
    environment: Environment, store: Store, tasks: Sequence[ScoringTask]
) -> Iterator[dict[str, JsonObject] | None]:
    """What is known of each task: all of its scores, or None."""
    scores = iter(store.scores.known([address(task, proxy, environment) for task in tasks for proxy in task.proxies]))
    for task in tasks:
        found = {proxy: next(scores) for proxy in task.proxies}
        known = {proxy: score for proxy, score in found.items() if score is not None}
        yield known if len(known) == len(found) else None
