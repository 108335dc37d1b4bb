"""Failed items of a job that has ended are scored again, as a new job."""

from __future__ import annotations

import httpx

from app.jobs.schemas import ItemView, JobView
from tests.app.driving import WORKER, cells, fail, submitted, work
from workers.store import Store


def test_a_retry_holds_the_failed_items_and_says_where_they_come_from(api: httpx.Client, store: Store) -> None:
    architectures = [{**cell, "id": f"cell {index}"} for index, cell in enumerate(cells(4))]
    job = submitted(api, architectures=architectures, seed=7, metadata={"run": 1}, priority="urgent")
    work(store, job["id"], limit=1)
    fail(store, job["id"], "out_of_memory")
    work(store, job["id"], limit=1)
    fail(store, job["id"], "timeout")
    before = api.get(job["links"]["self"]).json()

    answer = api.post(job["links"]["retry"])

    assert answer.status_code == 202
    again = answer.json()
    JobView.model_validate(again)
    assert answer.headers["location"] == again["links"]["self"] != job["links"]["self"]
    assert (again["retry_of"], again["counts"]["total"], again["counts"]["queued"]) == (job["id"], 2, 2)
    for name in ("space", "settings", "proxies", "seed", "batch", "metadata", "priority"):
        assert again[name] == job[name]
    items = api.get(again["links"]["scores"]).json()["items"]
    assert [(item["index"], item["retried_index"], item["id"]) for item in items] == [
        (0, 1, "cell 1"),
        (1, 3, "cell 3"),
    ]
    work(store, again["id"])
    assert api.get(again["links"]["self"]).json()["status"] == "completed"
    assert api.get(job["links"]["self"]).json() == before


def test_retrying_twice_is_retrying_once(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    fail(store, job["id"], "timeout")
    first = api.post(job["links"]["retry"]).json()
    assert api.post(job["links"]["retry"]).json() == first
    fail(store, first["id"], "timeout")
    second = api.post(first["links"]["retry"]).json()
    assert second["id"] not in (job["id"], first["id"])
    assert second["retry_of"] == first["id"]


def test_there_must_be_an_end_and_a_failure(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(2))
    fail(store, job["id"], "timeout")
    early = api.post(job["links"]["retry"])
    assert (early.status_code, early.json()["code"]) == (409, "job_not_ended")
    api.post(job["links"]["cancel"])
    assert api.post(job["links"]["retry"]).json()["counts"]["total"] == 1

    good = submitted(api, architectures=cells(1), seed=1)
    work(store, good["id"])
    nothing = api.post(good["links"]["retry"])
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_retry")


def test_bad_genotypes_become_failed_items_if_asked_for(api: httpx.Client, store: Store) -> None:
    architectures = [*cells(1), {"architecture": "nonsense", "id": "bad"}, 7.5, {"architecture": 3, "x": 1}, [[]]]
    answer = api.post("/v1/jobs", json={"space": "nasbench201", "architectures": architectures, "on_invalid": "fail"})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["counts"]["queued"], job["counts"]["failed"]) == (1, 4)
    assert work(store, job["id"]) == [0]
    items = api.get(job["links"]["scores"]).json()["items"]
    for item in items:
        ItemView.model_validate(item)
    assert [item["status"] for item in items] == ["scored", *["failed"] * 4]
    bad, number, entry, _ = items[1:]
    assert (bad["id"], bad["architecture"], bad["params"], bad["scores"]) == ("bad", None, None, {})
    assert bad["error"]["code"] in ("unknown_format", "invalid_architecture")
    assert "nonsense" in bad["error"]["message"]
    assert number["error"]["message"]
    assert entry["error"]["faults"] == [
        {"at": "x", "problem": "no such field", "repair": entry["error"]["faults"][0]["repair"]}
    ]
    assert (items[0]["started_at"] is not None, bad["started_at"]) == (True, None)
    assert bad["finished_at"] == job["created_at"]
    # Another try does not make them architectures.
    assert api.post(job["links"]["retry"]).json()["code"] == "nothing_to_retry"


def test_a_job_of_bad_genotypes_alone_is_completed(api: httpx.Client, store: Store) -> None:
    answer = api.post("/v1/jobs", json={"space": "nasbench201", "architectures": ["x", "y"], "on_invalid": "fail"})
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert store.jobs.claim(answer.json()["id"], WORKER, 5) == []
