"""How an item ended, by what was computed for it, or by what kept that from being done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proxy.json_types import JsonObject
from proxy.spread import over_seeds
from workers.records import ItemOutcome, JobSpec


def outcome_of(job: JobSpec, answers: Sequence[Mapping[str, JsonObject]]) -> ItemOutcome:
    """The outcome of an item.

    Args:
        job: that it belongs to.
        answers: the scores for each of `JobSpec.tasks`: proxy -> `proxy.task.Score` as JSON.
    """
    scores = answers[0]
    if len(answers) > 1:
        by_seed = [*zip(job.seeds, answers, strict=True)]
        seeded = {proxy: {seed: found[proxy] for seed, found in by_seed} for proxy in answers[-1]}
        scores = {**scores, **{proxy: over_seeds(of_seeds) for proxy, of_seeds in seeded.items()}}
    scored = all(scores[proxy]["status"] == "scored" for proxy in job.proxies)
    return ItemOutcome(status="scored" if scored else "failed", scores={proxy: scores[proxy] for proxy in job.proxies})


def failed_outcome(code: str, message: str) -> ItemOutcome:
    """The outcome of an item that failed as a whole."""
    return ItemOutcome(status="failed", scores={}, error={"code": code, "message": message})


def of_seed(job: JobSpec, seed: int, message: str) -> str:
    """A message about one task of an item: says which, if there are several."""
    return f"seed {seed}: {message}" if job.seeds else message
