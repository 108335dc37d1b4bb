"""Records as the JSON that clients see: plain dicts, because a job has up to 20,000 items."""

from __future__ import annotations

from dataclasses import asdict

from app.answers import timestamp
from app.jobs.reference import reference_json
from proxy.json_types import JsonObject
from workers.records import Item, Job, JobSpec


def job_json(job: Job) -> JsonObject:
    """A job as `schemas.JobView`."""
    spec = job.spec
    path = job_path(spec.id)
    return {
        "id": spec.id,
        "status": job.status,
        "counts": asdict(job.counts),
        "space": spec.space,
        "settings": dict(spec.settings),
        "proxies": list(spec.proxies),
        "seed": spec.seed,
        "batch": {"name": spec.batch_name, "digest": spec.batch},
        "precision": spec.precision,
        "layers": spec.layers,
        "metadata": spec.metadata,
        "created_at": timestamp(job.created_at),
        "started_at": timestamp(job.started_at),
        "finished_at": timestamp(job.finished_at),
        "expires_at": timestamp(job.expires_at),
        "links": {"self": path, "scores": f"{path}/scores", "cancel": f"{path}/cancel"},
    }


def item_json(item: Item, job: JobSpec) -> JsonObject:
    """An item as `schemas.ItemView`."""
    spec, outcome = item.spec, item.outcome
    return {
        "index": spec.index,
        "id": spec.id,
        "status": item.status,
        "architecture": spec.architecture,
        "space": job.space,
        "settings": dict(job.settings),
        "format": spec.format,
        "params": spec.params,
        "macs": spec.macs,
        "connected": spec.facts["connected"],
        "facts": {name: value for name, value in spec.facts.items() if name != "connected"},
        "scores": {} if outcome is None else {name: _score(score, job) for name, score in outcome.scores.items()},
        "error": None if outcome is None or outcome.error is None else dict(outcome.error),
    }


def job_path(job_id: str) -> str:
    """Where a job is found."""
    return f"/v1/jobs/{job_id}"


def _score(score: JsonObject, job: JobSpec) -> JsonObject:
    """A score with its place among all, and without the table that nobody asked for."""
    shown = {name: value for name, value in score.items() if name != "layers" or value is not None}
    return {**shown, "reference": reference_json(score, job)}
