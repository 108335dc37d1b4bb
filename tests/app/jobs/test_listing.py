"""GET /v1/jobs: pages, filters."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.jobs import listing
from app.jobs.request_examples import DARTS_EXAMPLE
from app.jobs.schemas import JobList
from tests.app.driving import cells, submitted, work
from workers.store import Store


def listed(api: httpx.Client, **query: Any) -> list[str]:
    """Ids of all jobs that pass, over all pages."""
    found: list[str] = []
    for _ in range(50):
        page = api.get("/v1/jobs", params=query).json()
        JobList.model_validate(page)
        found += [job["id"] for job in page["items"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]
    raise AssertionError("the pages never end")


def test_every_job_is_listed_once_newest_first(api: httpx.Client) -> None:
    made = [submitted(api, seed=seed)["id"] for seed in range(5)][::-1]
    for limit in (1, 2, 5, 100):
        assert listed(api, limit=limit) == made
    assert api.get("/v1/jobs", params={"limit": 5}).json()["next_cursor"] is not None


def test_a_listed_job_is_as_it_is_alone(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3))
    work(store, job["id"], limit=1)
    (found,) = api.get("/v1/jobs").json()["items"]
    assert found == api.get(job["links"]["self"]).json()


def test_filters(api: httpx.Client, store: Store) -> None:
    done = submitted(api, metadata={"experiment": "a", "n": 1, "ok": True})
    work(store, done["id"])
    queued = submitted(api, seed=1, metadata={"experiment": "b"})
    darts = submitted(api, space="darts", architectures=[DARTS_EXAMPLE], settings={"channels": 4, "layers": 4})
    everything = [darts["id"], queued["id"], done["id"]]

    assert listed(api, status="completed") == [done["id"]]
    assert listed(api, status="queued", limit=1) == everything[:2]
    assert listed(api, space="darts") == [darts["id"]]
    assert listed(api, metadata="experiment") == everything[1:]
    assert listed(api, metadata="experiment=b") == [queued["id"]]
    assert listed(api, metadata="n=1") == [done["id"]]
    assert listed(api, metadata="ok=true") == [done["id"]]
    assert listed(api, metadata="none") == []
    assert listed(api, created_since=queued["created_at"]) == everything[:2]
    assert listed(api, created_before=queued["created_at"]) == [done["id"]]
    assert listed(api, created_since="2000-01-01T00:00:00+01:00", space="nasbench201") == everything[1:]


def test_a_page_ends_after_so_many_looks(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = submitted(api, metadata={"x": 1})["id"]
    for seed in range(5):
        submitted(api, seed=seed + 1)
    monkeypatch.setattr(listing, "_MOST", 2)
    page = api.get("/v1/jobs", params={"metadata": "x"}).json()
    assert page["items"] == []
    assert page["next_cursor"] is not None
    assert listed(api, metadata="x") == [wanted]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("status", "done"),
        ("created_since", "yesterday"),
        ("created_since", "2026-01-01T00:00:00"),
        ("colour", "red"),
    ],
)
def test_what_is_no_filter_is_refused(api: httpx.Client, name: str, value: str) -> None:
    answer = api.get("/v1/jobs", params={name: value})
    assert (answer.status_code, answer.json()["faults"][0]["at"]) == (422, name)


@pytest.mark.parametrize(
    "cursor", ["x", "aXRlbToz", "am9iczoxOjI", "am9iczpuYW46MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA"]
)
def test_a_cursor_of_others_is_refused(api: httpx.Client, cursor: str) -> None:
    submitted(api)
    answer = api.get("/v1/jobs", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
