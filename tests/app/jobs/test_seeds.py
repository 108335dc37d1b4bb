"""Several seeds over HTTP: echoed, looked up one by one, averaged, and refused where they make no sense."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from app.jobs.schemas import ItemView, JobView, ScorePage
from proxy.spread import MAX_SEEDS
from tests.app.driving import cells, fail, seen, submit, submitted, work
from workers.store import Store


def scored(api: httpx.Client, store: Store, value: float, **request: Any) -> Any:
    """The scores of a job that a worker did, its first item's."""
    job = submitted(api, **request)
    work(store, job["id"], value=value)
    return scores_of(api, job)


def scores_of(api: httpx.Client, job: Any) -> Any:
    page = api.get(job["links"]["scores"]).json()
    ScorePage.model_validate(page)
    return page["items"][0]["scores"]


def test_a_job_says_its_seeds(api: httpx.Client) -> None:
    several = submitted(api, seeds=[3, 1, 4])
    JobView.model_validate(several)
    assert (several["seed"], several["seeds"]) == (None, [3, 1, 4])
    one = submitted(api, seeds=[5])
    assert (one["seed"], one["seeds"]) == (5, [5])
    assert submitted(api, seed=6)["seeds"] == [6]
    assert submitted(api, seeds=None)["seeds"] == [0]


def test_the_mean_of_scores_that_are_known_comes_at_once(api: httpx.Client, store: Store) -> None:
    seen(store)
    for seed, value in ((0, 1.0), (1, 3.0), (2, 8.0)):
        scored(api, store, value, seed=seed)
    job = submitted(api, seeds=[0, 1, 2], proxies=["croze"])
    assert job["status"] == "completed"
    score = scores_of(api, job)["croze"]
    assert (score["value"], score["seed"], score["cached"], score["reference"]) == (4.0, None, True, None)
    assert (score["spread"]["values"], score["spread"]["cached"]) == ([1.0, 3.0, 8.0], 3)
    assert submitted(api, seeds=[0, 1, 2, 3])["status"] == "queued"
    assert scores_of(api, submitted(api, seeds=[1]))["croze"]["spread"] is None


def test_streams_carry_the_spread(api: httpx.Client, store: Store) -> None:
    seen(store)
    for seed in (0, 1):
        scored(api, store, float(seed), seed=seed)
    job = submitted(api, seeds=[0, 1])
    line = json.loads(api.get(job["links"]["scores"], headers={"Accept": "application/x-ndjson"}).text)
    event = api.get(job["links"]["events"]).text
    ItemView.model_validate(line)
    assert line["scores"]["croze"]["spread"]["values"] == [0.0, 1.0]
    assert json.dumps(line["scores"]["croze"]["spread"]) in event


def test_what_depends_on_no_seed_is_asked_for_with_the_first(api: httpx.Client, store: Store) -> None:
    seen(store)
    scored(api, store, 1.0, seed=0, proxies=["croze", "params"])
    scored(api, store, 2.0, seed=1)
    scores = scores_of(api, submitted(api, seeds=[0, 1], proxies=["croze", "params"]))
    assert scores["croze"]["value"] == 1.5
    assert (scores["params"]["value"], scores["params"]["spread"]) == (1.0, None)


def test_a_retry_has_the_same_seeds(api: httpx.Client, store: Store) -> None:
    job = submitted(api, seeds=[7, 8])
    fail(store, job["id"], "timeout")
    again = api.post(job["links"]["retry"]).json()
    assert (again["retry_of"], again["seeds"]) == (job["id"], [7, 8])


def test_the_same_seeds_are_the_same_request(api: httpx.Client) -> None:
    body = {"space": "nasbench201", "architectures": cells(1), "seeds": [1, 2]}
    first = api.put("/v1/jobs/seeded", json=body)
    assert api.put("/v1/jobs/seeded", json=body).json() == first.json()
    assert api.put("/v1/jobs/seeded", json={**body, "seeds": [2, 1]}).json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(
    ("fields", "at", "says"),
    [
        ({"seeds": [1], "seed": 0}, "seeds", "leave seed out, or seeds"),
        ({"seeds": [1, 2, 1]}, "seeds", "1 is named more than once"),
        ({"seeds": []}, "seeds", "a list of 1 to 16"),
        ({"seeds": [*range(MAX_SEEDS + 1)]}, "seeds", "a list of 1 to 16"),
        ({"seeds": [2**32]}, "seeds", "a list of 1 to 16"),
        ({"seeds": [-1]}, "seeds", "a list of 1 to 16"),
        ({"seeds": [True]}, "seeds", "a list of 1 to 16"),
        ({"seeds": 1}, "seeds", "a list of 1 to 16"),
        ({"seeds": "0-3"}, "seeds", "a list of 1 to 16"),
        ({"seeds": [0, 1], "layers": True}, "layers", "true with 2 seeds"),
    ],
)
def test_refused_with_the_repair(api: httpx.Client, fields: dict[str, Any], at: str, says: str) -> None:
    answer = submit(api, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["faults"][0]["at"] == at
    assert says in answer.json()["detail"]


def test_a_table_of_layers_goes_with_one(api: httpx.Client) -> None:
    assert submitted(api, seeds=[3], layers=True)["layers"]
