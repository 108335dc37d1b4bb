"""Aggregates over HTTP: ranks of several proxies combined, as items finish, and once they have."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx
import pytest

from app.jobs.schemas import ItemView, JobView, ScorePage
from proxy.aggregates import AGGREGATES
from tests.app.driving import cells, end, fail, seen, submitted, work
from workers.store import Store

BOTH: dict[str, Any] = {"proxies": ["croze", "params"]}


def items_of(api: httpx.Client, job: Any, **query: Any) -> list[Any]:
    page = api.get(job["links"]["scores"], params=query).json()
    ScorePage.model_validate(page)
    return list(page["items"])


def standings(api: httpx.Client, job: Any, **query: Any) -> list[Any]:
    return [item["aggregate"] for item in items_of(api, job, **query)]


def test_a_job_says_its_aggregate_and_all_that_it_computes(api: httpx.Client) -> None:
    job = submitted(api, aggregate="robust")
    JobView.model_validate(job)
    assert job["aggregate"] == {
        "name": "robust", "method": "log_rank", "proxies": [*AGGREGATES["robust"].proxies], "reference": "job",
        "validated": "nasbench201" in AGGREGATES["robust"].validated_on,
    }  # fmt: skip
    assert job["proxies"] == [*AGGREGATES["robust"].proxies]
    more = submitted(api, aggregate=BOTH, proxies=["macs", "params"])
    assert more["proxies"] == ["macs", "params", "croze"]
    assert (more["aggregate"]["name"], more["aggregate"]["validated"]) == ("croze+params", False)
    assert submitted(api)["aggregate"] is None
    assert submitted(api, aggregate={"name": "robust"})["aggregate"] == job["aggregate"]


def test_values_come_as_items_finish_and_change_with_them(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(4), aggregate=BOTH)
    assert [each["status"] for each in standings(api, job)] == ["pending"] * 4
    end(store, job["id"], 0, 5.0, 50.0)
    assert standings(api, job)[0]["status"] == "pending"
    assert standings(api, job)[0]["of"] == 1
    end(store, job["id"], 1, 7.0, 20.0)
    one, other, *pending = standings(api, job)
    assert one["value"] == other["value"] == pytest.approx(math.log(1 / 2))
    assert (one["among"], one["of"], one["rank"]) == (2, 2, None)
    assert [each["status"] for each in pending] == ["pending"] * 2
    end(store, job["id"], 2, 6.0, 60.0)
    assert standings(api, job)[0]["value"] == pytest.approx(math.log(1 / 3) + math.log(2 / 3))
    end(store, job["id"], 3, None, 90.0)
    first, second, third, without = standings(api, job)
    assert first["value"] == pytest.approx(math.log(1 / 3) + math.log(2 / 3))
    assert [each["rank"] for each in (first, second, third)] == [3, 2, 1]
    assert {each["of"] for each in (first, second, third)} == {3}
    assert (without["status"], without["value"], without["rank"]) == ("failed", None, None)
    assert without["error"] == {"code": "no_value", "message": "croze has no value: non_finite: it is not"}


def test_the_best_come_first_in_pages(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(5), aggregate=BOTH)
    early = api.get(job["links"]["scores"], params={"order": "best"})
    assert (early.status_code, early.json()["code"]) == (409, "job_not_ended")
    for index, value in ((0, 2.0), (1, None), (2, 9.0), (3, 2.0), (4, 5.0)):
        end(store, job["id"], index, value, 1.0 if value is None else value)
    assert [item["index"] for item in items_of(api, job, order="best")] == [2, 4, 0, 3, 1]
    found: list[int] = []
    query: dict[str, str] = {"order": "best", "limit": "2"}
    while query.get("cursor", "first"):
        page = api.get(job["links"]["scores"], params=query).json()
        found += [item["index"] for item in page["items"]]
        query["cursor"] = page["next_cursor"] or ""
    assert found == [2, 4, 0, 3, 1]
    of_request = api.get(job["links"]["scores"], params={"limit": 2}).json()["next_cursor"]
    mixed = api.get(job["links"]["scores"], params={"order": "best", "cursor": of_request})
    assert mixed.json()["code"] == "invalid_cursor"


def test_without_an_aggregate_there_is_no_best(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    work(store, job["id"])
    answer = api.get(job["links"]["scores"], params={"order": "best"})
    assert (answer.status_code, answer.json()["faults"][0]["at"]) == (422, "order")
    stream = api.get(job["links"]["scores"], params={"order": "best", "format": "ndjson"})
    assert stream.status_code == 422


def test_streams_and_events_carry_it(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3), aggregate=BOTH)
    work(store, job["id"])
    lines = api.get(job["links"]["scores"], headers={"Accept": "application/x-ndjson"}).text.splitlines()
    items = [json.loads(line) for line in lines]
    for item in items:
        ItemView.model_validate(item)
    assert [item["aggregate"]["rank"] for item in sorted(items, key=lambda item: int(item["index"]))] == [3, 2, 1]
    assert items_of(api, job) == sorted(items, key=lambda item: int(item["index"]))
    assert api.get(job["links"]["events"]).text.count('"rank": 1, "of": 3') >= 1


def test_of_one_item_alone_there_is_no_rank(api: httpx.Client, store: Store) -> None:
    job = submitted(api, aggregate=BOTH)
    work(store, job["id"])
    (alone,) = standings(api, job)
    assert (alone["status"], alone["error"]["code"], alone["value"]) == ("failed", "too_few_ranked", None)


def test_canceled_and_failed_items_say_why(api: httpx.Client, store: Store) -> None:
    architectures = [*cells(4), "nonsense"]
    job = submitted(api, architectures=architectures, aggregate=BOTH, on_invalid="fail")
    fail(store, job["id"], "timeout")
    end(store, job["id"], 1, 1.0, 1.0)
    end(store, job["id"], 2, 2.0, 2.0)
    api.post(job["links"]["cancel"])
    failed, one, other, canceled, nonsense = standings(api, job)
    assert (one["rank"], other["rank"]) == (2, 1)
    assert "timeout" in failed["error"]["message"]
    assert canceled["error"] == {"code": "no_value", "message": "the item was canceled"}
    assert nonsense["error"]["code"] == "no_value"


def test_what_is_known_is_ranked_at_once(api: httpx.Client, store: Store) -> None:
    seen(store)
    work(store, submitted(api, architectures=cells(3), **BOTH)["id"])
    job = submitted(api, architectures=cells(3), aggregate=BOTH)
    assert job["status"] == "completed"
    assert [each["rank"] for each in standings(api, job)] == [3, 2, 1]


def test_the_same_aggregate_is_the_same_request(api: httpx.Client) -> None:
    body: dict[str, Any] = {"space": "nasbench201", "architectures": cells(1), "aggregate": BOTH}
    first = api.put("/v1/jobs/ranked", json=body)
    assert first.status_code == 202
    same = {**body, "aggregate": {**BOTH, "reference": "job", "method": "log_rank"}}
    assert api.put("/v1/jobs/ranked", json=same).json() == first.json()
    assert api.put("/v1/jobs/ranked", json={**body, "aggregate": "robust"}).json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("aggregate", "code", "says"),
    [
        ("robost", "unknown_aggregate", "did you mean 'robust'"),
        ("croze+params", "unknown_aggregate", "allowed: robust"),
        ({"name": "best"}, "unknown_aggregate", "aggregate.name"),
        ({"proxies": ["croze", "parms"]}, "unknown_proxy", "aggregate.proxies[1]"),
        ({"proxies": ["croze"]}, "invalid_aggregate", "name 2 to 20"),
        ({"proxies": []}, "invalid_aggregate", "name 2 to 20"),
        ({"proxies": ["croze", "croze"]}, "invalid_aggregate", "named more than once"),
        ({"proxies": ["croze", "params"], "method": "mean"}, "invalid_aggregate", "allowed: log_rank"),
        ({"name": "robust", "method": "mean"}, "invalid_aggregate", "aggregate.method: method 'mean' does not exist"),
        ({"name": "robust", "proxies": ["croze", "params"]}, "invalid_request", "either name or proxies"),
        ({}, "invalid_request", "either name or proxies"),
        ({"proxies": ["croze", "params"], "reference": "all"}, "invalid_request", "preset"),
        ({"proxies": ["croze", "params"], "reference": {"id": "x"}}, "invalid_request", "preset"),
        ({"proxies": ["croze", "params"], "weights": [1, 2]}, "invalid_request", "preset"),
        (["croze", "params"], "invalid_request", "preset"),
        (1, "invalid_request", "preset"),
    ],
)
def test_refused_with_the_repair(api: httpx.Client, aggregate: Any, code: str, says: str) -> None:
    answer = api.post("/v1/jobs", json={"space": "nasbench201", "architectures": cells(1), "aggregate": aggregate})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert says in answer.json()["detail"]


def test_presets_are_listed(api: httpx.Client) -> None:
    items = api.get("/v1/aggregates").json()["items"]
    assert [item["name"] for item in items] == [*AGGREGATES]
    assert items[0]["proxies"] == [*AGGREGATES["robust"].proxies]
