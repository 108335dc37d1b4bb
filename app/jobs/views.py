"""Records as the JSON that clients see: plain dicts, because a job has up to 20,000 items."""

from __future__ import annotations

from dataclasses import asdict

from app.answers import timestamp
from app.jobs.known import digest_of
from app.jobs.outlook import Prospect
from app.jobs.reference import reference_json
from app.jobs.standings import Standing
from proxy.aggregates import is_validated
from proxy.json_types import JsonObject, JsonValue
from workers.aggregates import AggregateSpec
from workers.records import Item, ItemOutcome, ItemSpec, Job, JobSpec
from workers.webhooks import Webhook


def job_json(job: Job, shown_id: str, ahead: Prospect) -> JsonObject:
    """A job as `schemas.JobView`.

    Args:
        shown_id: the id by which the caller asks for it.
        ahead: what it has before it.
    """
    spec = job.spec
    return {
        "id": shown_id,
        "status": job.status,
        "counts": asdict(job.counts),
        "space": spec.space,
        "settings": dict(spec.settings),
        "proxies": list(spec.proxies),
        "seed": None if spec.seeds else spec.seed,
        "seeds": list(spec.seeds or (spec.seed,)),
        "batch": {"name": spec.batch_name, "digest": spec.batch},
        "precision": spec.precision,
        "layers": spec.layers,
        "dedupe": spec.dedupe,
        "aggregate": None if spec.aggregate is None else aggregate_json(spec.aggregate, spec.space),
        "priority": spec.priority,
        "retry_of": spec.retry_of,
        "metadata": spec.metadata,
        # Never the secret.
        "webhook": None if spec.webhook is None else _webhook(spec.webhook),
        "position": ahead.position,
        "eta_seconds": ahead.eta_seconds,
        "served": ahead.served,
        "created_at": timestamp(job.created_at),
        "started_at": timestamp(job.started_at),
        "finished_at": timestamp(job.finished_at),
        "expires_at": timestamp(job.expires_at),
        "links": {
            "self": job_path(shown_id),
            **{name: f"{job_path(shown_id)}/{name}" for name in ("scores", "events", "cancel", "retry", "deliveries")},
        },
    }


def _webhook(webhook: Webhook) -> JsonObject:
    return {"url": webhook.url, "events": [*webhook.events]}


def aggregate_json(aggregate: AggregateSpec, space: str) -> JsonObject:
    """An aggregate as `schemas.AggregateView`."""
    return {**_asked(aggregate), "validated": is_validated(aggregate.name, space)}


def _asked(aggregate: AggregateSpec) -> JsonObject:
    return {
        "name": aggregate.name,
        "method": aggregate.method,
        "proxies": list(aggregate.proxies),
        "reference": {"job": aggregate.earlier} if aggregate.against == "earlier" else aggregate.against,
    }


def standing_json(aggregate: AggregateSpec, standing: Standing) -> JsonObject:
    """What an aggregate says of an item, as `schemas.ItemAggregateView`."""
    return {
        **_asked(aggregate),
        "status": standing.status,
        "value": standing.value,
        "among": standing.among,
        "rank": standing.rank,
        "of": standing.of,
        "error": None if standing.error is None else dict(standing.error),
    }


def item_json(item: Item, job: JobSpec, standing: Standing | None = None) -> JsonObject:
    """An item as `schemas.ItemView`. `standing`: what the job's aggregate says of it, if it has one."""
    spec, outcome = item.spec, item.outcome
    # What was sent is no architecture, so there is nothing to be said of one.
    exists = spec.architecture != ""
    return {
        "index": spec.index,
        "id": spec.id,
        "status": item.status,
        "architecture": spec.sent or spec.architecture or None,
        "space": job.space,
        "settings": dict(job.settings),
        "format": spec.format or None,
        "params": spec.params if exists else None,
        "macs": spec.macs if exists else None,
        "connected": spec.facts["connected"] if exists else None,
        "facts": {name: value for name, value in spec.facts.items() if name != "connected"},
        "scores": {} if outcome is None else {name: _score(score, spec, job) for name, score in outcome.scores.items()},
        "aggregate": (None if job.aggregate is None or standing is None else standing_json(job.aggregate, standing)),
        "representative": _representative(spec),
        "error": None if outcome is None else _error(outcome),
        "started_at": timestamp(item.started_at),
        "finished_at": timestamp(item.finished_at),
        "retried_index": spec.retried,
    }


def _representative(spec: ItemSpec) -> JsonObject | None:
    if spec.representative is None and spec.sent is None:
        return None
    return {"index": spec.representative, "architecture": spec.architecture}


def _error(outcome: ItemOutcome) -> JsonObject | None:
    if outcome.error is None:
        return None
    faults: list[JsonValue] = [dict(fault) for fault in outcome.faults]
    return {**outcome.error, "faults": faults} if faults else dict(outcome.error)


def job_path(job_id: str) -> str:
    """Where a job is found."""
    return f"/v1/jobs/{job_id}"


def _score(score: JsonObject, item: ItemSpec, job: JobSpec) -> JsonObject:
    """A score with its digest and its place among all, and without the table that nobody asked for."""
    shown = {name: value for name, value in score.items() if name != "layers" or value is not None}
    return {
        **shown,
        "digest": digest_of(score, item, job),
        "spread": score.get("spread"),
        "reference": reference_json(score, job),
    }
