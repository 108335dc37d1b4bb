"""A score at the conditions of a distribution says where it stands, and any other says that it has none."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.jobs.schemas import ScorePage
from proxy.reference_scores import Conditions, ReferenceScores
from tests.app.driving import cells, submitted, work
from workers.store import Store


@pytest.fixture
def known(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up scores of all cells at the default settings: 1.5, 2.5 and so on, and twice the best."""
    conditions = Conditions(
        space="nasbench201", settings={"channels": 16, "cells": 5, "classes": 10}, proxy="croze", revision=1,
        batch=submitted(api)["batch"]["digest"], seed=0, precision="float64",
    )  # fmt: skip
    reference = ReferenceScores(conditions, [1.5, 2.5, 3.5, 3.5])
    monkeypatch.setattr("proxy.reference_scores.shipped", lambda: {conditions.key(): reference})


def references(api: httpx.Client, store: Store, **request: Any) -> dict[str, list[Any]]:
    """Proxy -> its three scores' places, from a page; those of a stream are the same."""
    job = submitted(api, architectures=cells(3), precision="float64", **request)
    work(store, job["id"])
    page = api.get(job["links"]["scores"]).json()
    ScorePage.model_validate(page)
    stream = api.get(job["links"]["scores"], headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert len(stream) == 3
    found = {
        proxy: [item["scores"][proxy]["reference"] for item in page["items"]] for proxy in page["items"][0]["scores"]
    }
    assert all(f'"of": {4}' in line for line in stream) == any(found["croze"])
    return found


@pytest.mark.usefixtures("known")
def test_a_score_at_the_conditions_says_where_it_stands(api: httpx.Client, store: Store) -> None:
    found = references(api, store, proxies=["croze", "croze:paper"])
    assert found["croze"] == [
        {"percentile": 12.5, "rank": 4, "of": 4},
        {"percentile": 37.5, "rank": 3, "of": 4},
        {"percentile": 75.0, "rank": 1, "of": 4},
    ]
    assert found["croze:paper"] == [None] * 3


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "changed", [{"seed": 1}, {"settings": {"cells": 4}}, {"batch": "cifar10:train[0:4]"}], ids=lambda each: str([*each])
)
def test_a_score_at_any_other_says_that_it_has_no_place(
    api: httpx.Client, store: Store, changed: dict[str, Any]
) -> None:
    assert references(api, store, **changed) == {"croze": [None] * 3}


@pytest.mark.usefixtures("known")
def test_places_are_not_kept(api: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shipped with the next release is what the next answer is made of."""
    job = submitted(api, precision="float64")
    work(store, job["id"])
    (item,) = api.get(job["links"]["scores"]).json()["items"]
    assert item["scores"]["croze"]["reference"]["rank"] == 4
    monkeypatch.setattr("proxy.reference_scores.shipped", dict)
    (item,) = api.get(job["links"]["scores"]).json()["items"]
    assert item["scores"]["croze"]["reference"] is None
