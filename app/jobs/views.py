"""Records as the JSON that clients see: plain dicts, because a job has up to 20,000 items."""

from __future__ import annotations

from dataclasses import asdict

from app.answers import timestamp
from app.jobs.outlook import Prospect
from app.jobs.reference import reference_json
from proxy.json_types import JsonObject, JsonValue
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


def item_json(item: Item, job: JobSpec) -> JsonObject:
    """An item as `schemas.ItemView`."""
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
        "scores": {} if outcome is None else {name: _score(score, job) for name, score in outcome.scores.items()},
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


def _score(score: JsonObject, job: JobSpec) -> JsonObject:
    """A score with its place among all, and without the table that nobody asked for."""
    shown = {name: value for name, value in score.items() if name != "layers" or value is not None}
    return {**shown, "spread": score.get("spread"), "reference": reference_json(score, job)}
