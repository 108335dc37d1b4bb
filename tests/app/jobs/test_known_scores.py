"""Scores by their digests: what an item says of itself is found again, whatever becomes of its job."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.jobs.schemas import KnownScoreView, ScorePage
from tests.app.driving import cells, end, seen, submitted, work
from workers import keys
from workers.store import Store


def scores(api: httpx.Client, job: Any) -> list[dict[str, Any]]:
    """The scores of each item of a job, by proxy."""
    page = api.get(job["links"]["scores"]).json()
    ScorePage.model_validate(page)
    return [item["scores"] for item in page["items"]]


def test_a_score_is_found_by_the_digest_that_its_item_has(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(2), proxies=["croze", "params"])
    work(store, job["id"])
    for item in scores(api, job):
        for score in item.values():
            answer = api.get(f"/v1/scores/{score['digest']}")
            assert answer.status_code == 200
            KnownScoreView.model_validate(answer.json())
            same = {name: value for name, value in score.items() if name not in ("cached", "spread", "reference")}
            assert {name: value for name, value in answer.json().items() if name != "cached"} == same
            assert answer.json()["cached"] is True


def test_it_outlives_its_job(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    work(store, job["id"])
    digest = scores(api, job)[0]["croze"]["digest"]
    assert api.delete(job["links"]["self"]).status_code == 204
    assert api.get(f"/v1/scores/{digest}").json()["value"] == 1.5


def test_the_same_question_has_the_same_digest_and_another_has_another(api: httpx.Client, store: Store) -> None:
    seen(store)
    first = submitted(api)
    work(store, first["id"])
    again, other = submitted(api), submitted(api, seed=1)
    work(store, other["id"])
    digests = [scores(api, job)[0]["croze"]["digest"] for job in (first, again, other)]
    assert digests[0] == digests[1] != digests[2]
    assert submitted(api)["status"] == "completed", "known, and so not computed for `again`"


def test_to_ask_for_it_is_to_use_it(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    job = submitted(api)
    work(store, job["id"])
    key = keys.score(scores(api, job)[0]["croze"]["digest"])
    redis.expire(key, 60)
    api.get(f"/v1/scores/{key.rpartition(':')[2]}")
    assert redis.ttl(key) > 3600


def test_what_is_not_remembered_has_no_digest(api: httpx.Client, store: Store) -> None:
    job = submitted(api, proxies=["croze", "params"])
    end(store, job["id"], 0, None, 5.0)
    item = scores(api, job)[0]
    assert (item["croze"]["status"], item["croze"]["digest"]) == ("failed", None)
    assert item["params"]["digest"] is not None


@pytest.mark.parametrize("digest", ["0" * 64, "0" * 63, "A" * 64, "sha256:" + "0" * 64, "x", "%00", "🎲" * 30])
def test_what_is_not_known_is_a_404_that_says_what_to_do(api: httpx.Client, digest: str) -> None:
    answer = api.get(f"/v1/scores/{digest}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "unknown_score"
    assert "POST /v1/jobs" in answer.json()["detail"]


def test_other_records_are_no_scores(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    digest = "1" * 64
    redis.set(keys.score(digest), b'{"status": "scored"}')
    assert api.get(f"/v1/scores/{digest}").status_code == 404
