"""Liveness, readiness and the root."""

from __future__ import annotations

import httpx
import redis as redis_driver

from tests.app.driving import job_keys, submit


def test_alive_and_ready_without_any_worker(api: httpx.Client) -> None:
    assert api.get("/livez").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ok"}


def test_a_full_redis_is_503_and_still_alive(api: httpx.Client, redis: redis_driver.Redis) -> None:
    redis.config_set("maxmemory", "1")
    try:
        answer = api.get("/readyz")
        refused = submit(api)
    finally:
        redis.config_set("maxmemory", "0")

    assert (answer.status_code, answer.json()["code"]) == (503, "store_full")
    assert (refused.status_code, refused.json()["code"]) == (503, "store_full")
    assert job_keys(redis) == []
    assert api.get("/livez").status_code == 200
    assert api.get("/readyz").status_code == 200


def test_the_root_links_to_what_exists(api: httpx.Client) -> None:
    links = api.get("/v1").json()["links"]

    statuses = {name: api.get(path).status_code for name, path in links.items()}
    assert statuses == dict.fromkeys(links, 200)
