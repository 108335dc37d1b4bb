"""The same request again is the same job again: by an idempotency key, or by an id of the client's own."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis as redis_driver

from app.auth import Caller
from app.errors import UnknownJob
from app.jobs import ids
from app.jobs.listing import newest
from app.jobs.refusals import JobDeleted, JobIdTaken
from app.jobs.schemas import JobsQuery, JobView, SubmitRequest
from app.jobs.service import Jobs
from app.settings import Settings
from tests.app.driving import CELL, cells, queued, work
from workers.store import Store

BODY: dict[str, Any] = {"space": "nasbench201", "architectures": [CELL]}


def post(api: httpx.Client, key: str, **fields: Any) -> httpx.Response:
    return api.post("/v1/jobs", json={**BODY, **fields}, headers={"Idempotency-Key": key})


def put(api: httpx.Client, job_id: str, **fields: Any) -> httpx.Response:
    return api.put(f"/v1/jobs/{job_id}", json={**BODY, **fields})


def check_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_the_same_key_and_request_are_the_same_job(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    first = post(api, "k-1")
    assert first.status_code == 202
    again = post(api, '"k-1"', seed=0)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert queued(redis) == 1
    assert len(api.get("/v1/jobs").json()["items"]) == 1

    work(store, first.json()["id"])
    ended = post(api, "k-1")

    assert (ended.status_code, ended.json()["status"]) == (200, "completed")
    assert ended.json()["id"] == first.json()["id"]


def test_another_key_is_another_job(api: httpx.Client) -> None:
    assert post(api, "k-1").json()["id"] != post(api, "k-2").json()["id"]


@pytest.mark.parametrize("other", [{"seed": 1}, {"architectures": [CELL, CELL]}, {"metadata": {"a": 1}}])
def test_the_same_key_for_another_request_is_refused(api: httpx.Client, other: dict[str, Any]) -> None:
    job = post(api, "k-1").json()

    answer = post(api, "k-1", **other)

    check_refused(answer, 422, "idempotency_mismatch")
    assert job["id"] in answer.json()["detail"]


def test_a_refused_request_uses_up_no_key(api: httpx.Client) -> None:
    check_refused(post(api, "k-1", architectures=["nonsense"]), 422, "unknown_format")
    assert post(api, "k-1").status_code == 202


@pytest.mark.parametrize("key", ["", '""', "two words", "x" * 256, "täst"])
def test_a_key_that_is_none_is_refused(api: httpx.Client, key: str) -> None:
    answer = api.post("/v1/jobs", json=BODY, headers={b"Idempotency-Key": key.encode()})
    check_refused(answer, 422, "invalid_request")
    assert answer.json()["faults"][0]["at"] == "Idempotency-Key"


def test_of_many_at_the_same_time_all_get_the_one_job(api: httpx.Client, redis: redis_driver.Redis) -> None:
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(post(api, "k"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(api.get("/v1/jobs").json()["items"]) == 1


def test_an_id_can_be_chosen(api: httpx.Client, store: Store) -> None:
    answer = put(api, "my-job_1", architectures=cells(2))

    assert answer.status_code == 202
    job = answer.json()
    JobView.model_validate(job)
    assert job["id"] == "my-job_1"
    assert answer.headers["location"] == job["links"]["self"] == "/v1/jobs/my-job_1"
    assert api.get("/v1/jobs/my-job_1").json() == job
    assert put(api, "my-job_1", architectures=cells(2)).json() == job
    check_refused(put(api, "my-job_1"), 422, "idempotency_mismatch")
    assert len(api.get("/v1/jobs/my-job_1/scores").json()["items"]) == 2
    assert api.post("/v1/jobs/my-job_1/cancel").json()["status"] == "canceled"
    assert [each["id"] for each in api.get("/v1/jobs").json()["items"]] == ["my-job_1"]


@pytest.mark.parametrize("write", [str, lambda value: value.hex], ids=["dashes", "hex"])
def test_a_random_uuid_is_a_good_id(api: httpx.Client, write: Any) -> None:
    chosen = write(uuid4())
    assert put(api, chosen).json()["id"] == chosen
    assert api.get(f"/v1/jobs/{chosen}").status_code == 200


@pytest.mark.parametrize("bad", ["a" * 65, "a.b", "a%20b", "ä", "cd07225dbfe85df2a493912ae0a4f938"])
def test_what_is_no_id_is_refused_with_the_rule(api: httpx.Client, bad: str) -> None:
    answer = put(api, bad)
    check_refused(answer, 422, "invalid_request")
    assert answer.json()["faults"][0]["at"] == "job_id"
    assert api.get(f"/v1/jobs/{bad}").status_code == 404


def test_owners_choose_without_seeing_each_other() -> None:
    names = [ids.for_new(owner, None, "job-1") for owner in (None, "alice", "bob")]
    keyed = [ids.for_new(owner, "job-1", None)[0] for owner in (None, "alice", "bob")]
    assert len({*(stored for stored, _ in names), *keyed}) == 6
    assert ids.stored("alice", "job-1") == names[1][0]


def test_a_deleted_job_keeps_its_key(api: httpx.Client) -> None:
    job = post(api, "k-1").json()
    assert api.delete(job["links"]["self"]).status_code == 204
    check_refused(post(api, "k-1"), 410, "job_deleted")


def test_nobody_gets_or_sees_the_job_of_another(store: Store, redis: redis_driver.Redis) -> None:
    alice, bob = (Jobs(store, Settings(), Caller(key=name, name=name, role="user")) for name in ("alice", "bob"))
    admin = Jobs(store, Settings(), Caller(key="root", name="root", role="admin"))
    request, other = SubmitRequest.model_validate(BODY), SubmitRequest.model_validate({**BODY, "seed": 1})

    named, keyed = alice.submit(request, job_id="job-1"), alice.submit(request, key="k")
    assert bob.submit(other, job_id="job-1").spec.owner == "bob"
    assert bob.submit(other, key="k").spec.id != keyed.spec.id
    assert alice.get("job-1") == named
    with pytest.raises(JobIdTaken):
        bob.submit(request, job_id=alice.submit(request, job_id=uuid4().hex).spec.id)

    # An admin, to whom "job-1" would be a job of its own, is shown another id.
    assert alice.shown_id(named) == "job-1"
    assert admin.get(admin.shown_id(named)) == named
    assert len(newest(admin, JobsQuery.model_validate({}))[0]) == 5
    assert len(newest(bob, JobsQuery.model_validate({}))[0]) == 2
    alice.delete("job-1")
    with pytest.raises(JobDeleted):
        alice.get("job-1")
    with pytest.raises(UnknownJob):
        bob.get(named.spec.id)
