"""NDJSON: every item once, as it ends."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.jobs.schemas import ItemView
from app.jobs.waiting import CHUNK, LONGEST_PAUSE
from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import cells, submitted, work
from workers.embedded_redis import EmbeddedRedis
from workers.store import Store

NDJSON = {"Accept": "application/x-ndjson"}


def _lines(answer: httpx.Response) -> list[Any]:
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_items_come_while_the_job_runs(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3))

    with api.stream("GET", job["links"]["scores"], headers=NDJSON) as answer:
        lines = answer.iter_lines()
        for index in range(3):
            work(store, job["id"], limit=1)
            item = json.loads(next(lines))
            ItemView.model_validate(item)
            assert (item["index"], item["status"]) == (index, "scored")
        assert next(lines, None) is None


def test_format_parameter_does_the_same_as_the_header(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(2))
    work(store, job["id"])

    by_header = api.get(job["links"]["scores"], headers=NDJSON)
    by_parameter = api.get(job["links"]["scores"], params={"format": "ndjson"})

    assert _lines(by_header) == _lines(by_parameter)
    overruled = api.get(job["links"]["scores"], params={"format": "json"}, headers=NDJSON)
    assert overruled.json()["items"] == _lines(by_header)


def test_more_items_than_a_chunk_come_once_each(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(2 * CHUNK + 1))
    work(store, job["id"], limit=2 * CHUNK + 1)

    lines = _lines(api.get(job["links"]["scores"], headers=NDJSON))

    assert [line["index"] for line in lines] == list(range(2 * CHUNK + 1))


def test_canceled_items_are_the_last(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(4))
    (claim,) = store.jobs.claim(job["id"], "other", 1)
    work(store, job["id"], limit=2)
    timer = threading.Timer(0.3, api.post, [job["links"]["cancel"]])
    timer.start()

    lines = _lines(api.get(job["links"]["scores"], headers=NDJSON))
    timer.join()

    assert [line["status"] for line in lines] == ["scored", "scored", "canceled", "canceled"]
    assert {line["index"] for line in lines[2:]} == {claim.item.index, 3}


def test_a_stream_ends_with_a_job_that_is_gone(api: httpx.Client, redis: redis_driver.Redis) -> None:
    job = submitted(api, architectures=cells(2))
    timer = threading.Timer(0.3, redis.flushall)
    timer.start()

    answer = api.get(job["links"]["scores"], headers=NDJSON)
    timer.join()

    assert answer.text == ""


@pytest.mark.parametrize("query", [{"limit": "5"}, {"cursor": "aXRlbTox"}], ids=["limit", "cursor"])
def test_a_stream_takes_no_page(api: httpx.Client, query: dict[str, str]) -> None:
    job = submitted(api)

    answer = api.get(job["links"]["scores"], params=query, headers=NDJSON)

    assert answer.status_code == 422
    assert answer.json()["faults"][0]["at"] == next(iter(query))


def test_a_stream_outlives_a_restart_of_redis(serve: Serve, tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        url = server.url
        api = serve(Settings(redis_url=url))
        job = submitted(api, architectures=cells(2))
        _score_one(url, job["id"])
        with api.stream("GET", job["links"]["scores"], headers=NDJSON) as answer:
            lines = answer.iter_lines()
            assert json.loads(next(lines))["index"] == 0

            server.stop()
            time.sleep(3 * LONGEST_PAUSE)
            server.start()
            assert server.url == url

            _score_one(url, job["id"])
            assert [json.loads(line)["index"] for line in lines] == [1]


def _score_one(url: str, job_id: str) -> None:
    with redis_driver.Redis.from_url(url, protocol=2) as client:
        work(Store(client), job_id, limit=1)


def test_a_client_that_leaves_ends_its_stream(api: httpx.Client, redis: redis_driver.Redis) -> None:
    job = submitted(api)
    with api.stream("GET", job["links"]["scores"], headers=NDJSON):
        assert _looks(redis) > 0
    time.sleep(2 * LONGEST_PAUSE)

    looks = _looks(redis)
    time.sleep(3 * LONGEST_PAUSE)

    assert _looks(redis) == looks


def _looks(redis: redis_driver.Redis) -> int:
    """How often the list of ended items has been read."""
    stats = redis.info("commandstats")
    assert isinstance(stats, dict)
    calls: int = stats["cmdstat_lrange"]["calls"]
    return calls
