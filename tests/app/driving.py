"""What a worker would do, done by hand: no test here needs torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx
import redis as redis_driver

from proxy.task import Environment, Score, ScoringTask, address
from workers import keys
from workers.records import ItemOutcome, Job, WorkerRecord
from workers.store import Store

ENVIRONMENT: Final = Environment(device="cpu", capability="AVX2", torch="2.13.0")
CELL: Final = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"
WORKER: Final = "worker-1"


def cells(count: int) -> list[dict[str, Any]]:
    """The first NAS-Bench-201 cells by index, as requests name them."""
    return [{"architecture": index, "format": "nats_tss_index"} for index in range(count)]


def submit(api: httpx.Client, **fields: Any) -> httpx.Response:
    """Posts a job: one cell, unless `fields` say otherwise."""
    # httpx' own JSON cannot carry a lone surrogate.
    body = json.dumps({"space": "nasbench201", "architectures": [CELL], **fields})
    return api.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})


def submitted(api: httpx.Client, **fields: Any) -> Any:
    """The job that a request made."""
    answer = submit(api, **fields)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def seen(store: Store, environment: Environment = ENVIRONMENT) -> None:
    """A worker with this environment has been there."""
    store.fleet.beat(
        WorkerRecord(
            id=WORKER,
            host="host",
            pid=1,
            engine_pid=2,
            environment=environment,
            state="idle",
            job=None,
            started_at=0.0,
            scored=0,
        )
    )


def work(store: Store, job_id: str, limit: int = 1000, value: float = 1.5) -> list[int]:
    """Claims and scores up to `limit` items of a job. The indexes of those."""
    job = store.jobs.get(job_id)
    assert job is not None
    claims = store.jobs.claim(job_id, WORKER, limit)
    for claim in claims:
        scores = [_score(job, proxy, value + claim.item.index) for proxy in job.spec.proxies]
        task = _task(job, claim.item.architecture)
        keep = {address(task, score.proxy, ENVIRONMENT): score for score in scores}
        outcome = ItemOutcome(status="scored", scores={score.proxy: score.to_json() for score in scores})
        assert store.jobs.record(job_id, WORKER, claim.item.index, outcome, keep)
    return [claim.item.index for claim in claims]


def work_by(store: Store, job_id: str, value_of: Callable[[str, str], float | None]) -> None:
    """Claims and ends all items of a job, the last first, each by (proxy, architecture). None: there is no value."""
    job = store.jobs.get(job_id)
    assert job is not None
    for claim in reversed(store.jobs.claim(job_id, WORKER, 1000)):
        scores, failed = {}, False
        for proxy in job.spec.proxies:
            value = value_of(proxy, claim.item.architecture)
            score = _score(job, proxy, value or 0.0)
            if value is None:
                error, failed = {"code": "non_finite", "message": "it is not"}, True
                score = replace(score, status="failed", value=None, components={}, error=error)
            scores[proxy] = score.to_json()
        outcome = ItemOutcome(status="failed" if failed else "scored", scores=scores)
        assert store.jobs.record(job_id, WORKER, claim.item.index, outcome, {})


def fail(store: Store, job_id: str, code: str) -> None:
    """Claims one item and fails it."""
    (claim,) = store.jobs.claim(job_id, WORKER, 1)
    outcome = ItemOutcome(status="failed", scores={}, error={"code": code, "message": "it did"})
    assert store.jobs.record(job_id, WORKER, claim.item.index, outcome, {})


def end(store: Store, job_id: str, index: int, croze: float | None, params: float) -> None:
    """Ends one item of a job by the proxies croze and params. None: croze has no value."""
    job = store.jobs.get(job_id)
    assert job is not None
    first, second = _score(job, "croze", croze or 0.0), _score(job, "params", params)
    if croze is None:
        error = {"code": "non_finite", "message": "it is not"}
        first = replace(first, status="failed", value=None, components={}, error=error)
    scores = {score.proxy: score.to_json() for score in (first, second)}
    outcome = ItemOutcome(status="failed" if croze is None else "scored", scores=scores)
    assert store.jobs.record(job_id, WORKER, index, outcome, {})


def queued(redis: redis_driver.Redis) -> int:
    """Rings in RQ's queue."""
    length = redis.llen(f"rq:queue:{keys.QUEUE}")
    assert isinstance(length, int)
    return length


def job_keys(redis: redis_driver.Redis) -> Sequence[bytes]:
    """Everything that Redis holds of jobs, staged ones included."""
    found = [*redis.scan_iter(f"{keys.PREFIX}job:*"), *redis.scan_iter(f"{keys.PREFIX}staged:*")]
    return sorted(found)


def _task(job: Job, architecture: str) -> ScoringTask:
    spec = job.spec
    return ScoringTask(
        space=spec.space,
        architecture=architecture,
        settings=spec.settings,
        proxies=spec.proxies,
        batch=spec.batch,
        seed=spec.seed,
        precision=spec.precision,
    )


def _score(job: Job, proxy: str, value: float) -> Score:
    return Score(
        proxy=proxy,
        status="scored",
        value=value,
        direction="higher_is_better",
        components={"features": 1.0},
        batch=job.spec.batch,
        seed=job.spec.seed,
        precision=job.spec.precision,
        computed_in="float64",
        revision=1,
        environment=ENVIRONMENT,
        seconds=0.25,
    )
