"""Workers over HTTP."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from app.fleet.schemas import WorkerList
from app.settings import Settings
from proxy.numerics import REVISION
from tests.app.conftest import Serve
from tests.app.driving import CELL, ENVIRONMENT, cells, submitted, work
from workers.records import Role, WorkerRecord
from workers.store import Store

BUSY = WorkerRecord(
    id="host-7-abc",
    host="host",
    pid=7,
    engine_pid=8,
    environment=ENVIRONMENT,
    state="busy",
    job=None,
    started_at=1_750_000_000.25,
    scored=41,
    engine_restarts=3,
    engine_memory=300 * 2**20,
)
NEW = WorkerRecord(
    id="host-1-new",
    host="host",
    pid=1,
    engine_pid=None,
    environment=None,
    state="starting",
    job=None,
    started_at=1_750_000_001.0,
    scored=0,
)


EMPTY = {"items": [], "numerics": REVISION, "unserved_items": 0}


def test_no_worker_is_an_empty_list(api: httpx.Client) -> None:
    assert api.get("/v1/workers").json() == EMPTY


def test_what_nobody_serves_is_counted(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3))
    assert (job["served"], job["eta_seconds"]) == (False, None)
    assert api.get("/v1/workers").json()["unserved_items"] == 3
    # A worker of another release is none for this job.
    store.fleet.beat(replace(BUSY, numerics="0a1b2c3d"), serves={"task=1", "nasbench201=other", "croze=1"})
    answer = api.get("/v1/workers").json()
    assert (answer["unserved_items"], answer["items"][0]["numerics"]) == (3, "0a1b2c3d")
    assert api.get(job["links"]["self"]).json()["served"] is False
    store.fleet.beat(NEW)
    assert api.get("/v1/workers").json()["unserved_items"] == 0
    assert api.get(job["links"]["self"]).json()["served"] is True
    work(store, job["id"])
    assert api.get(job["links"]["self"]).json()["served"] is None


def test_workers_say_how_they_are(api: httpx.Client, store: Store) -> None:
    job_id = submitted(api)["id"]
    store.fleet.beat(replace(BUSY, job=job_id))
    store.fleet.beat(NEW)
    answer = api.get("/v1/workers").json()
    WorkerList.model_validate(answer)
    new, busy = answer["items"]
    assert (new["id"], new["state"], new["environment"]) == ("host-1-new", "starting", None)
    assert new["engine"] == {"pid": None, "memory_bytes": None, "restarts": 0}
    assert busy["engine"] == {"pid": 8, "memory_bytes": 314572800, "restarts": 3}
    assert busy["environment"] == {"device": "cpu", "capability": "AVX2", "torch": "2.13.0"}
    assert (busy["job"], busy["scored"], busy["started_at"]) == (job_id, 41, "2025-06-15T15:06:40.250Z")
    assert 0 <= busy["last_beat_age"] < 60
    assert busy["last_beat_at"].startswith("20")


def test_a_worker_that_left_is_not_listed(api: httpx.Client, store: Store) -> None:
    store.fleet.beat(BUSY)
    store.fleet.leave(BUSY.id)
    assert api.get("/v1/workers").json() == EMPTY


def test_jobs_of_others_are_not_named(serve: Serve, redis_url: str, store: Store) -> None:
    api = serve(Settings(redis_url=redis_url))
    roles: dict[str, Role] = {"ann": "user", "bob": "user", "root": "admin"}
    headers = {name: {"Authorization": f"Bearer {store.api_keys.add(name, role)[1]}"} for name, role in roles.items()}
    body = {"space": "nasbench201", "architectures": [CELL]}
    job_id = api.post("/v1/jobs", json=body, headers=headers["ann"]).json()["id"]
    store.fleet.beat(replace(BUSY, job=job_id))
    seen = {name: api.get("/v1/workers", headers=headers[name]).json()["items"][0]["job"] for name in headers}
    assert seen == {"ann": job_id, "bob": None, "root": job_id}


@pytest.mark.parametrize("collection", ["workers", "jobs"])
def test_the_root_names_them(api: httpx.Client, collection: str) -> None:
    assert api.get("/v1").json()["links"][collection] == f"/v1/{collection}"
