"""Overload is an answer: the same for one and for many, and never a failure of what was accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import cells, job_keys, seen, submit, submitted, work
from tests.app.test_gate import bearer, check_problem, client
from tests.workers.store.test_admission import memory_limit
from workers import keys
from workers.store import Store

Limited = Callable[..., httpx.Client]


@pytest.fixture
def limited(serve: Serve, redis_url: str) -> Limited:
    """Starts an API with these limits."""

    def start(**limits: Any) -> httpx.Client:
        return serve(Settings(redis_url=redis_url, **limits))

    return start


def post(api: httpx.Client, count: int) -> httpx.Response:
    return submit(api, architectures=cells(count))


def check_refusal(answer: httpx.Response, code: str) -> None:
    check_problem(answer, 429, code)
    assert int(answer.headers["retry-after"]) > 0


def test_a_full_queue_refuses_until_something_ends(limited: Limited, store: Store) -> None:
    api = limited(max_open_items=5)
    seen(store)
    job = post(api, 4).json()

    for _ in range(2):
        check_refusal(post(api, 2), "queue_full")
    assert "4 items wait or are worked on, and at most 5" in post(api, 2).json()["detail"]
    assert api.get("/livez").status_code == 200
    assert api.get("/readyz").status_code == 200
    assert post(api, 1).status_code == 202
    check_refusal(post(api, 5), "queue_full")

    assert work(store, job["id"]) == [0, 1, 2, 3]
    assert post(api, 4).status_code == 200, "known by now: needs no room"
    assert post(api, 5).status_code == 202, "one is new"


def test_cancelling_makes_room(limited: Limited) -> None:
    api = limited(max_open_items=3)
    job = post(api, 3).json()
    check_refusal(post(api, 1), "queue_full")

    api.post(job["links"]["cancel"])

    assert post(api, 3).status_code == 202


def test_simultaneous_submissions_cannot_both_pass(limited: Limited, redis: redis_driver.Redis) -> None:
    api = limited(max_open_items=7)

    with ThreadPoolExecutor(8) as clients:
        statuses = sorted(answer.status_code for answer in clients.map(lambda _: post(api, 3), range(8)))

    assert statuses == [202] * 2 + [429] * 6
    assert redis.hget(keys.OPEN_ITEMS, "") == b"6"


def test_each_key_name_has_a_quota(limited: Limited, store: Store) -> None:
    api = limited(max_open_items_per_key=4)
    with client(api, store, "alice") as one, client(api, store, "alice") as other, client(api, store, "bob") as bob:
        assert post(one, 3).status_code == 202
        check_refusal(post(other, 2), "quota_exceeded")
        assert post(other, 1).status_code == 202
        assert post(bob, 4).status_code == 202


def test_items_have_an_allowance_by_their_number(limited: Limited, store: Store) -> None:
    api = limited(items_per_minute=3)
    with client(api, store, "alice") as many, client(api, store, "bob") as single:
        assert post(many, 3).status_code == 202
        assert [post(single, 1).status_code for _ in range(3)] == [202] * 3
        for one in (many, single):
            answer = post(one, 1)
            check_refusal(answer, "rate_limited")
            assert '"items";q=3;w=60' in answer.headers["ratelimit-policy"]
            assert '"requests";q=' in answer.headers["ratelimit-policy"], "both lists are one"
            assert '"items";r=0;t=' in answer.headers["ratelimit"]
            assert one.get("/v1/spaces").status_code == 200


@pytest.mark.parametrize("limit", ["max_open_items", "max_open_items_per_key", "items_per_minute"])
def test_what_would_never_fit_is_not_told_to_wait(limited: Limited, store: Store, limit: str) -> None:
    api = limited(**{limit: 2})
    with client(api, store, "alice") as user:
        answer = post(user, 3)

        check_problem(answer, 422, "invalid_request")
        assert answer.json()["faults"] == [
            {
                "at": "architectures",
                "problem": "a list of 3 is not allowed",
                "repair": "allowed here: at most 2; split the job",
            }
        ]
        assert post(user, 2).status_code == 202


def test_a_full_memory_takes_no_jobs_and_all_results(
    api: httpx.Client, redis: redis_driver.Redis, store: Store
) -> None:
    seen(store)
    job = submitted(api, architectures=cells(3))
    with memory_limit(redis, 0.9):
        for refused in (post(api, 1), api.post("/v1/batches?name=mine", content=b"x", headers=OCTETS)):
            check_problem(refused, 503, "store_full")
            assert int(refused.headers["retry-after"]) > 0
        assert api.get("/livez").status_code == 200
        assert work(store, job["id"]) == [0, 1, 2]
        found = api.get(f"{job['links']['self']}?wait=10").json()
        page = api.get(job["links"]["scores"]).json()
    assert (found["status"], found["counts"]["scored"]) == ("completed", 3)
    assert [item["scores"]["croze"]["value"] for item in page["items"]] == [1.5, 2.5, 3.5]
    assert post(api, 1).status_code == 200


@contextmanager
def no_memory(redis: redis_driver.Redis) -> Iterator[None]:
    redis.config_set("maxmemory", "1")
    try:
        yield
    finally:
        redis.config_set("maxmemory", "0")


def test_with_no_memory_left_results_can_be_read_with_a_key(
    api: httpx.Client, redis: redis_driver.Redis, store: Store
) -> None:
    _, token = store.api_keys.add("alice", "user")
    headers = bearer(token)
    job = api.post("/v1/jobs", json={"space": "nasbench201", "architectures": cells(1)}, headers=headers).json()
    work(store, job["id"])
    with no_memory(redis):
        page = api.get(job["links"]["scores"], headers=headers)
        assert (page.status_code, page.json()["items"][0]["status"]) == (200, "scored")


def test_a_full_server_can_be_emptied(api: httpx.Client, redis: redis_driver.Redis, store: Store) -> None:
    _, token = store.api_keys.add("alice", "user")
    headers = bearer(token)
    body = {"space": "nasbench201", "architectures": cells(3)}
    ended, running, other = (
        api.post("/v1/jobs", json=body | {"seed": seed}, headers=headers).json() for seed in range(3)
    )
    work(store, ended["id"])
    work(store, running["id"], limit=1)
    with no_memory(redis):
        canceled = api.post(other["links"]["cancel"], headers=headers)
        assert (canceled.status_code, canceled.json()["counts"]["canceled"]) == (200, 3)
        for job in (ended, running, other):
            assert api.delete(job["links"]["self"], headers=headers).status_code == 204
            assert api.get(job["links"]["self"], headers=headers).json()["code"] == "job_deleted"
    assert [key for key in job_keys(redis) if b":gone:" not in key] == []


OCTETS = {"Content-Type": "application/octet-stream"}
