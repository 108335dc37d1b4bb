"""Jobs over HTTP, with items driven by hand."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.jobs.schemas import JobView, ScorePage
from app.jobs.waiting import LONGEST_PAUSE
from proxy.task import Environment
from tests.app.driving import CELL, cells, fail, queued, seen, submit, submitted, work
from workers import keys
from workers.store import Store


def test_submit_answers_202_with_a_location_that_is_the_job(api: httpx.Client, redis: redis_driver.Redis) -> None:
    answer = submit(api, metadata={"run": [1, None, "ä"]}, seed=2**32 - 1)

    assert answer.status_code == 202
    job = answer.json()
    JobView.model_validate(job)
    assert job["status"] == "queued"
    assert job["counts"] == {"total": 1, "queued": 1, "running": 0, "scored": 0, "failed": 0, "canceled": 0}
    assert job["settings"] == {"channels": 16, "cells": 5, "classes": 10}
    assert job["metadata"] == {"run": [1, None, "ä"]}
    assert job["batch"]["name"] == "cifar10:train[0:8]"
    assert job["batch"]["digest"].startswith("sha256:")
    assert answer.headers["location"] == job["links"]["self"]
    assert api.get(answer.headers["location"]).json() == job
    assert queued(redis) == 1


def test_items_carry_what_is_known_of_the_architecture(api: httpx.Client) -> None:
    job = submitted(
        api,
        architectures=[
            CELL,
            {"architecture": 2631, "format": "nats_tss_index", "id": "by index"},
            {"architecture": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"},
        ],
    )

    page = api.get(job["links"]["scores"]).json()

    ScorePage.model_validate(page)
    first, second, third = page["items"]
    assert [item["index"] for item in page["items"]] == [0, 1, 2]
    assert (first["architecture"], first["format"], first["id"]) == (CELL, "nb201_str", None)
    assert (second["architecture"], second["format"], second["id"]) == (CELL, "nats_tss_index", "by index")
    assert first["facts"]["nasbench201_index"] == 2631
    assert (first["connected"], third["connected"]) == (True, False)
    assert first["params"] == 129306
    assert first["status"] == "queued"
    assert (first["scores"], first["error"]) == ({}, None)
    assert "connected" not in first["facts"]


def test_job_format_is_for_all_and_an_items_own_format_wins(api: httpx.Client) -> None:
    job = submitted(api, architectures=[2631, {"architecture": CELL, "format": "nb201_str"}], format="nats_tss_index")

    items = api.get(job["links"]["scores"]).json()["items"]

    assert [item["format"] for item in items] == ["nats_tss_index", "nb201_str"]


def test_scores_and_failures_appear_in_their_places(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3), proxies=["croze", "params"])
    assert work(store, job["id"], limit=1) == [0]
    fail(store, job["id"], "out_of_memory")

    page = api.get(job["links"]["scores"]).json()
    ScorePage.model_validate(page)
    scored, failed, open_item = page["items"]

    assert scored["status"] == "scored"
    assert scored["scores"]["croze"]["value"] == 1.5
    assert scored["scores"]["croze"]["cached"] is False
    assert "layers" not in scored["scores"]["croze"]
    assert list(scored["scores"]) == ["croze", "params"]
    assert (failed["status"], failed["error"]) == ("failed", {"code": "out_of_memory", "message": "it did"})
    assert (open_item["status"], open_item["scores"]) == ("queued", {})
    now = api.get(job["links"]["self"]).json()
    assert now["status"] == "running"
    assert (now["counts"]["scored"], now["counts"]["failed"], now["counts"]["queued"]) == (1, 1, 1)


def test_a_job_whose_items_all_failed_is_completed(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    fail(store, job["id"], "timeout")

    ended = api.get(job["links"]["self"]).json()

    assert ended["status"] == "completed"
    assert ended["finished_at"] >= ended["started_at"] >= ended["created_at"]
    assert ended["expires_at"] > ended["finished_at"]


def test_pages_hold_every_item_once(api: httpx.Client) -> None:
    job = submitted(api, architectures=cells(7))

    seen_indexes, cursor = [], None
    for _ in range(4):
        query: dict[str, Any] = {"limit": 3} if cursor is None else {"limit": 3, "cursor": cursor}
        page = api.get(job["links"]["scores"], params=query).json()
        seen_indexes += [item["index"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen_indexes == list(range(7))


def test_page_that_ends_with_the_last_item_has_no_next(api: httpx.Client) -> None:
    job = submitted(api, architectures=cells(2))

    assert api.get(job["links"]["scores"], params={"limit": 2}).json()["next_cursor"] is None


def test_asking_twice_is_free(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    seen(store)
    first = submitted(api, architectures=cells(3), proxies=["croze", "params"])
    work(store, first["id"])
    redis.delete(f"rq:queue:{keys.QUEUE}")

    answer = submit(api, architectures=cells(3), proxies=["params", "croze"])

    assert answer.status_code == 200
    job = answer.json()
    assert (job["status"], job["counts"]["scored"]) == ("completed", 3)
    assert answer.headers["location"] == job["links"]["self"]
    assert queued(redis) == 0
    items = api.get(job["links"]["scores"]).json()["items"]
    assert [item["scores"]["croze"]["value"] for item in items] == [1.5, 2.5, 3.5]
    assert all(item["scores"]["croze"]["cached"] for item in items)


def test_only_unknown_items_are_queued(api: httpx.Client, store: Store) -> None:
    seen(store)
    work(store, submitted(api, architectures=cells(2))["id"])

    answer = submit(api, architectures=cells(4))

    assert answer.status_code == 202
    assert answer.json()["counts"] == {"total": 4, "queued": 2, "running": 0, "scored": 2, "failed": 0, "canceled": 0}
    assert work(store, answer.json()["id"]) == [2, 3]


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"settings": {"cells": 1}},
        {"proxies": ["croze", "croze:paper"]},
        {"batch": "cifar10:train[0:4]"},
        {"layers": True},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_question_is_not_known(api: httpx.Client, store: Store, other: dict[str, Any]) -> None:
    seen(store)
    work(store, submitted(api)["id"])

    assert submit(api, **other).status_code == 202


def test_scores_of_another_environment_are_found_after_those_of_the_last_seen(api: httpx.Client, store: Store) -> None:
    seen(store)
    work(store, submitted(api)["id"])
    seen(store, Environment(device="cuda", capability="sm_90", torch="2.13.0"))

    answer = submit(api)

    assert answer.status_code == 200
    (item,) = api.get(answer.json()["links"]["scores"]).json()["items"]
    assert item["scores"]["croze"]["environment"]["device"] == "cpu"


def test_cancel_keeps_results_and_can_be_repeated(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3))
    work(store, job["id"], limit=1)

    canceled = api.post(job["links"]["cancel"]).json()

    JobView.model_validate(canceled)
    assert canceled["status"] == "canceled"
    assert (canceled["counts"]["scored"], canceled["counts"]["canceled"]) == (1, 2)
    assert api.post(job["links"]["cancel"]).json() == canceled
    items = api.get(job["links"]["scores"]).json()["items"]
    assert [item["status"] for item in items] == ["scored", "canceled", "canceled"]


def test_cancel_leaves_a_completed_job_alone(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    work(store, job["id"])

    assert api.post(job["links"]["cancel"]).json()["status"] == "completed"


def test_wait_ends_when_the_job_does(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    timer = threading.Timer(0.5, work, [store, job["id"]])
    timer.start()

    began = time.monotonic()
    answer = api.get(job["links"]["self"], params={"wait": 20})
    waited = time.monotonic() - began
    timer.join()

    assert answer.json()["status"] == "completed"
    assert 0.4 < waited < 5


def test_wait_ends_after_its_time_with_the_job_as_it_is(api: httpx.Client) -> None:
    job = submitted(api)

    began = time.monotonic()
    answer = api.get(job["links"]["self"], params={"wait": 0.3})

    assert answer.json()["status"] == "queued"
    assert 0.3 <= time.monotonic() - began < 5


def test_a_client_that_leaves_is_no_longer_waited_for(api: httpx.Client, redis: redis_driver.Redis) -> None:
    job = submitted(api)
    with pytest.raises(httpx.ReadTimeout):
        api.get(job["links"]["self"], params={"wait": 60}, timeout=0.5)
    time.sleep(2 * LONGEST_PAUSE)

    looks = _looks(redis)
    time.sleep(3 * LONGEST_PAUSE)

    assert looks > 1
    assert _looks(redis) == looks


def _looks(redis: redis_driver.Redis) -> int:
    """How often a job has been read."""
    stats = redis.info("commandstats")
    assert isinstance(stats, dict)
    calls: int = stats["cmdstat_hmget"]["calls"]
    return calls


@pytest.mark.parametrize("method_and_path", ["GET {}", "GET {}?wait=20", "GET {}/scores", "POST {}/cancel"])
@pytest.mark.parametrize("job_id", ["0" * 32, "no-such-job", "x" * 1000, "%00", "..%2F..", "a b", "%F0%9F%92%A9"])
def test_unknown_and_malformed_job_ids_are_the_same_404(api: httpx.Client, method_and_path: str, job_id: str) -> None:
    method, path = method_and_path.format(f"/v1/jobs/{job_id}").split(" ", 1)

    answer = api.request(method, path)

    assert answer.status_code == 404
    if "%2F" not in job_id:  # a slash makes it another path
        assert answer.json()["code"] == "unknown_job"
    assert answer.headers["content-type"] == "application/problem+json"
