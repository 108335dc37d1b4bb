"""Prefer: wait, as RFC 7240 writes it."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from app.jobs.headers import idempotency_key, preferred_wait
from tests.app.driving import CELL, work
from workers.store import Store

BODY = {"space": "nasbench201", "architectures": [CELL]}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["wait=5"], 5),
        (["respond-async, WAIT = 7"], 7),
        (['wait="8"; foo=bar'], 8),
        (["respond-async", "wait=3"], 3),
        (["wait=4, wait=5"], 4),
        (["wait=100000"], 60),
        (["wait=0"], 0),
        (["wait"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=soon, handling=lenient"], None),
        (["await=5"], None),
    ],
)
def test_preferences(headers: list[str], seconds: int | None) -> None:
    assert preferred_wait(headers) == seconds


def test_a_quoted_key_is_the_bare_one() -> None:
    assert idempotency_key('"a\\"b"') == 'a"b'
    assert idempotency_key('  "abc" ') == idempotency_key("abc") == "abc"
    assert idempotency_key('"abc') == '"abc'
    assert idempotency_key(None) is None


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_who_prefers_to_wait_gets_the_job_when_it_has_ended(api: httpx.Client, store: Store, method: str) -> None:
    def work_on_it() -> None:
        while not (found := store.jobs.newest(None, None, 1)[0]):
            time.sleep(0.01)
        work(store, found[0].spec.id)

    worker = threading.Thread(target=work_on_it)
    worker.start()
    path = "/v1/jobs" if method == "POST" else "/v1/jobs/mine"
    answer = api.request(method, path, json=BODY, headers={"Prefer": "wait=60"})
    worker.join(60)

    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert answer.headers["preference-applied"] == "wait=60"
    assert "Prefer" in answer.headers["vary"]


def test_a_wait_that_is_too_short_is_answered_with_the_job_as_it_is(api: httpx.Client) -> None:
    answer = api.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["preference-applied"] == "wait=1"


def test_who_prefers_nothing_is_answered_at_once(api: httpx.Client) -> None:
    answer = api.post("/v1/jobs", json=BODY, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers
