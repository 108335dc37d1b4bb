"""DELETE, and what is gone: 410 for a time, and not 404."""

from __future__ import annotations

import time

import httpx
import pytest
import redis as redis_driver

from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import cells, job_keys, queued, seen, submit, submitted, work
from workers import keys
from workers.keys import JobKeys
from workers.store import Store

PATHS = ["", "/scores", "/events"]


def check_gone(api: httpx.Client, path: str, code: str) -> None:
    for each in PATHS:
        answer = api.get(f"{path}{each}")
        assert (answer.status_code, answer.json()["code"]) == (410, code)
    for action in ("cancel", "retry"):
        assert api.post(f"{path}/{action}").json()["code"] == code


def test_a_deleted_job_is_gone_with_all_that_it_had(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    seen(store)
    job = submitted(api, architectures=cells(3))
    work(store, job["id"])

    answer = api.delete(job["links"]["self"])

    assert (answer.status_code, answer.content) == (204, b"")
    check_gone(api, job["links"]["self"], "job_deleted")
    assert job_keys(redis) == []
    assert api.get("/v1/jobs").json()["items"] == []
    assert api.delete(job["links"]["self"]).status_code == 204
    # The scores are known all the same.
    assert submit(api, architectures=cells(3)).status_code == 200


def test_deleting_cancels_what_runs(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    job = submitted(api, architectures=cells(3))
    store.jobs.claim(job["id"], "w", 2)

    assert api.delete(job["links"]["self"]).status_code == 204

    assert not store.jobs.is_wanted(job["id"])
    assert store.jobs.unrung() == []
    assert job_keys(redis) == []


def test_an_expired_job_is_gone(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    job = submitted(api)
    work(store, job["id"])
    keys = JobKeys.of(job["id"])
    for key in (keys.job, keys.items, keys.outcomes, keys.finished, keys.times):
        redis.pexpire(key, 1)
    time.sleep(0.05)

    check_gone(api, job["links"]["self"], "job_expired")
    assert api.delete(job["links"]["self"]).json()["code"] == "job_expired"


def test_what_never_was_is_unknown(api: httpx.Client) -> None:
    for method, path in [("GET", ""), ("GET", "/events"), ("DELETE", ""), ("POST", "/retry")]:
        answer = api.request(method, f"/v1/jobs/none{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")


@pytest.mark.parametrize("how", ["ndjson", "events"])
def test_a_stream_ends_when_its_job_is_deleted(api: httpx.Client, store: Store, how: str) -> None:
    job = submitted(api, architectures=cells(2))
    path = job["links"]["events"] if how == "events" else f"{job['links']['scores']}?format=ndjson"
    with api.stream("GET", path) as answer:
        lines = answer.iter_lines()
        work(store, job["id"], limit=1)
        assert next(lines)
        store.jobs.delete(job["id"])
        assert "completed" not in "".join(lines)


def test_submitting_queues_nothing_for_a_deleted_id(serve: Serve, redis_url: str, redis: redis_driver.Redis) -> None:
    api = serve(Settings(redis_url=redis_url))
    body = {"space": "nasbench201", "architectures": cells(2)}
    assert api.put("/v1/jobs/mine", json=body).status_code == 202
    api.delete("/v1/jobs/mine")
    redis.delete(f"rq:queue:{keys.QUEUE}")
    assert api.put("/v1/jobs/mine", json=body).json()["code"] == "job_deleted"
    assert store_is_empty(redis)
    assert queued(redis) <= 1  # a ring for a job that is gone, which finds nothing


def store_is_empty(redis: redis_driver.Redis) -> bool:
    return [key for key in job_keys(redis) if b":staged:" not in key] == []
