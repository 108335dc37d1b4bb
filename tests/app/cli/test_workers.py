"""`croze workers`, against the real API."""

from __future__ import annotations

import json

import httpx
import pytest

from app.settings import Settings
from tests.app.cli.conftest import Croze
from tests.app.conftest import Serve
from tests.app.fleet.test_endpoints import BUSY, NEW
from workers.store import Store


def test_workers_are_a_table(croze: Croze, api: httpx.Client, store: Store) -> None:
    store.fleet.beat(BUSY)
    store.fleet.beat(NEW)
    done = croze("workers", "--url", f"{api.base_url}/")
    assert done.exit_code == 0
    heading, new, busy = done.out.splitlines()
    assert heading.split()[:4] == ["worker", "state", "job", "scored"]
    assert new.split()[:8] == ["host-1-new", "starting", "-", "0", "-", "-", "-", "0"]
    assert busy.split()[:9] == ["host-7-abc", "busy", "-", "41", "cpu", "8", "300", "MiB", "3"]
    assert busy.endswith(" s ago")


def test_all_that_is_known_is_json(croze: Croze, api: httpx.Client, store: Store) -> None:
    store.fleet.beat(BUSY)
    (line,) = croze("workers", "--url", str(api.base_url), "--json").out.splitlines()
    (worker,) = api.get("/v1/workers").json()["items"]
    assert {**json.loads(line), "last_beat_age": 0} == {**worker, "last_beat_age": 0}


def test_no_worker_is_said_beside_the_results(croze: Croze, api: httpx.Client) -> None:
    done = croze("workers", "--url", str(api.base_url))
    assert (done.exit_code, done.out) == (0, "")
    assert "no worker is alive" in done.err


def test_a_key_is_asked_for(
    croze: Croze, serve: Serve, redis_url: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = store.api_keys.add("me", "user")
    url = str(serve(Settings(redis_url=redis_url)).base_url)
    done = croze("workers", "--url", url)
    assert done.exit_code == 1
    assert "CROZE_API_KEY" in done.err
    monkeypatch.setenv("CROZE_API_KEY", token)
    assert croze("workers", "--url", url).exit_code == 0


def test_nobody_there_is_an_error_that_helps(croze: Croze) -> None:
    done = croze("workers", "--url", "http://127.0.0.1:1")
    assert done.exit_code == 1
    assert "is it running?" in done.err


def test_a_url_that_is_none_is_refused(croze: Croze) -> None:
    assert croze("workers", "--url", "nonsense").exit_code == 2
