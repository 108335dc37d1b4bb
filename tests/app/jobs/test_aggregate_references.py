"""Against what items are ranked: an earlier job, a shipped distribution, or what did not fail before a retry."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import httpx
import pytest

from proxy.proxies import PROXIES
from proxy.reference_scores import Conditions, ReferenceScores
from tests.app.driving import cells, end, fail, submit, submitted, work
from tests.app.jobs.test_aggregates import BOTH, standings
from workers.store import Store


def test_against_an_earlier_job_one_alone_is_ranked_and_nothing_later_changes_it(
    api: httpx.Client, store: Store
) -> None:
    earlier = submitted(api, architectures=cells(4), **BOTH)
    for index, value in enumerate((10.0, 20.0, 30.0)):
        end(store, earlier["id"], index, value, value)
    fail(store, earlier["id"], "timeout")
    job = submitted(api, aggregate={**BOTH, "reference": {"job": earlier["id"]}})
    assert job["aggregate"]["reference"] == {"job": earlier["id"]}
    api.delete(earlier["links"]["self"])
    end(store, job["id"], 0, 20.0, 35.0)
    (only,) = standings(api, job)
    assert only["value"] == pytest.approx(math.log(2.5 / 4) + math.log(4 / 4))
    assert (only["status"], only["among"], only["rank"], only["of"]) == ("scored", 4, 1, 1)


def test_a_generation_is_ranked_against_the_first_as_its_items_finish(api: httpx.Client, store: Store) -> None:
    first = submitted(api, architectures=cells(3), aggregate=BOTH)
    for index, value in enumerate((10.0, 20.0, 30.0)):
        end(store, first["id"], index, value, value)
    second = submitted(api, architectures=cells(2), aggregate={**BOTH, "reference": {"job": first["id"]}})
    end(store, second["id"], 1, 25.0, 5.0)
    pending, done = standings(api, second)
    assert done["value"] == pytest.approx(math.log(3 / 4) + math.log(1 / 4))
    assert (done["among"], done["of"], done["rank"]) == (4, 1, None)
    assert pending["status"] == "pending"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"seed": 1}, "its seeds: [0], and here: [1]"),
        ({"seeds": [0, 1]}, "its seeds: [0], and here: [0, 1]"),
        ({"settings": {"cells": 4}}, "its settings"),
        ({"batch": "cifar10:train[0:4]"}, "its batch"),
        ({"precision": "float64"}, "its precision: float32, and here: float64"),
        ({"aggregate": {"proxies": ["croze", "macs"]}}, "no scores by macs"),
    ],
)
def test_what_differs_from_the_earlier_job_is_named(
    api: httpx.Client, store: Store, changed: dict[str, Any], says: str
) -> None:
    earlier = submitted(api, architectures=cells(3), **BOTH)
    work(store, earlier["id"])
    asked: Any = {"aggregate": BOTH, **changed}
    asked["aggregate"] = {**asked["aggregate"], "reference": {"job": earlier["id"]}}
    answer = submit(api, **asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "reference_mismatch")
    assert says in answer.json()["detail"]


def test_another_revision_is_no_reference(api: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = submitted(api, architectures=cells(3), **BOTH)
    work(store, earlier["id"])
    monkeypatch.setitem(PROXIES, "croze", replace(PROXIES["croze"], revision=99))
    aggregate = {**BOTH, "reference": {"job": earlier["id"]}}
    answer = api.post("/v1/jobs", json={"space": "nasbench201", "architectures": cells(1), "aggregate": aggregate})
    assert answer.json()["code"] == "reference_mismatch"
    assert "another revision" in answer.json()["detail"]


def test_counts_alone_depend_on_no_seed(api: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROXIES, "macs", replace(PROXIES["macs"], needs_batch=False))
    counts = {"proxies": ["params", "macs"]}
    earlier = submitted(api, architectures=cells(3), **counts)
    work(store, earlier["id"])
    job = submitted(api, seed=5, aggregate={**counts, "reference": {"job": earlier["id"]}})
    assert job["aggregate"]["reference"] == {"job": earlier["id"]}


def test_an_earlier_job_must_be_there_and_hold_two(api: httpx.Client, store: Store) -> None:
    few = submitted(api, architectures=cells(3), **BOTH)
    end(store, few["id"], 0, 1.0, 1.0)
    gone = submitted(api, seed=9)
    api.delete(gone["links"]["self"])
    for job_id, code in (
        (few["id"], "reference_mismatch"),
        ("nowhere", "unknown_reference"),
        (gone["id"], "unknown_reference"),
    ):
        aggregate = {**BOTH, "reference": {"job": job_id}}
        answer = api.post("/v1/jobs", json={"space": "nasbench201", "architectures": cells(1), "aggregate": aggregate})
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
        assert "aggregate.reference" in answer.json()["detail"]


def test_a_shipped_distribution_places_one_alone(
    api: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = submitted(api)["batch"]["digest"]
    seen_by = {"croze": (digest, 0, "float32"), "params": (None, None, None)}
    found = {}
    for name, (batch, seed, precision) in seen_by.items():
        conditions = Conditions(
            space="nasbench201", settings={"channels": 16, "cells": 5, "classes": 10}, proxy=name,
            revision=PROXIES[name].revision, batch=batch, seed=seed, precision=precision,
        )  # fmt: skip
        found[conditions.key()] = ReferenceScores(conditions, [1.0, 2.0, 3.0])
    monkeypatch.setattr("proxy.reference_scores.shipped", lambda: found)
    job = submitted(api, aggregate={**BOTH, "reference": "shipped"})
    end(store, job["id"], 0, 2.0, 9.0)
    (only,) = standings(api, job)
    assert only["value"] == pytest.approx(math.log(2.5 / 4))
    assert (only["among"], only["rank"], only["of"]) == (4, 1, 1)
    monkeypatch.setattr("proxy.reference_scores.shipped", dict)
    (missing,) = standings(api, job)
    assert missing["error"]["code"] == "reference_missing"


@pytest.mark.parametrize("changed", [{}, {"seeds": [0, 1]}], ids=["no params", "several seeds"])
def test_where_none_is_shipped_what_is_is_listed(api: httpx.Client, changed: dict[str, Any]) -> None:
    aggregate = {**BOTH, "reference": "shipped"}
    answer = api.post(
        "/v1/jobs", json={"space": "nasbench201", "architectures": cells(1), "aggregate": aggregate, **changed}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_reference")
    assert "croze revision 1 in nasbench201" in answer.json()["detail"]


def test_a_retry_is_ranked_against_what_did_not_fail(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(4), aggregate=BOTH)
    fail(store, job["id"], "timeout")
    for index in (1, 2, 3):
        end(store, job["id"], index, float(index), float(index))
    again = api.post(job["links"]["retry"]).json()
    assert again["aggregate"]["reference"] == {"job": job["id"]}
    api.delete(job["links"]["self"])
    end(store, again["id"], 0, 2.5, 2.5)
    (only,) = standings(api, again)
    assert only["value"] == pytest.approx(2 * math.log(3 / 4))

    few = submitted(api, architectures=cells(2), aggregate=BOTH, seed=3)
    fail(store, few["id"], "timeout")
    end(store, few["id"], 1, 1.0, 1.0)
    assert api.post(few["links"]["retry"]).json()["aggregate"]["reference"] == "job"


def test_a_retry_of_a_retry_keeps_what_it_is_ranked_against(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3), aggregate=BOTH)
    fail(store, job["id"], "timeout")
    for index in (1, 2):
        end(store, job["id"], index, float(index), float(index))
    first = api.post(job["links"]["retry"]).json()
    fail(store, first["id"], "timeout")
    second = api.post(first["links"]["retry"]).json()
    end(store, second["id"], 0, 5.0, 5.0)
    assert second["aggregate"] == first["aggregate"]
    assert standings(api, second)[0]["value"] == 0.0
