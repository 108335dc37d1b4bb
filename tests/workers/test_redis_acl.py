"""Users of Redis that may do what the service does, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis.exceptions import NoPermissionError, RedisError

import workers.store
from app.settings import Settings
from tests.app.conftest import served
from tests.workers.guarded_redis import ADMIN, API, USERS, WORKER, Guarded, guarded_redis
from tests.workers.jobs import BATCH, new_items, new_job
from tests.workers.odd_worker import odd_worker
from tests.workers.processes import wait_until
from workers import keys
from workers.enqueue import Doorbell
from workers.errors import StoreUnavailable
from workers.settings import connect
from workers.store import Store

PATIENCE_S = 120.0
BODY = {
    "space": "nasbench201",
    "settings": {"channels": 4, "cells": 1},
    "architectures": list(range(12)),
    "format": "nats_tss_index",
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    with guarded_redis() as server:
        yield server


@pytest.fixture(scope="module")
def api(guarded: Guarded) -> Iterator[httpx.Client]:
    """The API with its own user."""
    with served(Settings(redis_url=guarded.url(API))) as url, httpx.Client(base_url=url, timeout=120) as client:
        yield client


def test_a_whole_job_goes_through(guarded: Guarded, api: httpx.Client) -> None:
    with odd_worker(guarded.url(WORKER)):
        assert wait_until(lambda: len(api.get("/v1/workers").json()["items"]) == 1, PATIENCE_S)
        job = api.put("/v1/jobs/mine-0123456789", json=BODY | {"priority": "urgent"}).json()
        path = job["links"]["self"]
        assert wait_until(lambda: api.get(path).json()["status"] == "completed", PATIENCE_S)
        assert api.get(path).json()["counts"]["scored"] == 12
        # A second one is stopped, and both are forgotten.
        slow = api.post("/v1/jobs", json=BODY | {"seed": 7}).json()["links"]["self"]
        assert wait_until(lambda: api.get(slow).json()["status"] == "running", PATIENCE_S)
        assert api.post(f"{slow}/cancel").json()["status"] == "canceled"
        for page in ("/v1/jobs", "/v1/batches", f"{path}/scores", f"{path}/deliveries", "/metrics", "/readyz"):
            assert api.get(page).status_code == 200
        assert api.delete(path).status_code == 204
    check_only_the_drivers_name_was_refused(guarded)


def check_only_the_drivers_name_was_refused(guarded: Guarded) -> None:
    """`CLIENT SETINFO` is not in every Redis, and a list that has it is not read there."""
    assert guarded.refused() <= {f"{user}: client|setinfo" for user in (API, WORKER)}


def test_what_goes_wrong_may_be_written_down_too(guarded: Guarded) -> None:
    """A ring that fails, one that is no ring, and a worker that vanished: RQ files them in keys of its own."""
    with connect(guarded.url(API)) as connection:
        store = Store(connection)
        store.batches.put(BATCH, listed=False)
        broken = store.jobs.create(new_job(), new_items(2), {}).spec.id
        connection.hset(keys.JobKeys.of(broken).job, "spec", "no JSON")
        Doorbell(connection).queue.enqueue_call("os.system", args=("true",))
        assert store.api_keys.add("alice", "user")[0].name == "alice"
        assert [key.name for key in store.api_keys.listed()] == ["alice"]
        connection.delete(keys.API_KEYS)
        with odd_worker(guarded.url(WORKER)), guarded.client(ADMIN) as admin:
            assert wait_until(lambda: admin.zcard(f"rq:failed:{keys.QUEUE}") == 1, PATIENCE_S)
        connection.delete(keys.JobKeys.of(broken).job)
    check_only_the_drivers_name_was_refused(guarded)


FOREIGN = [
    ("GET", "somebody:else"),
    ("SET", "somebody:else", "mine"),
    ("LRANGE", "rq:queue:theirs", "0", "-1"),
    ("EVAL", "return redis.call('GET', 'somebody:else')", "0"),
]
ADMINISTRATION = [
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("RANDOMKEY",),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "GET", "*"),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("ACL", "LIST"),
    ("CLIENT", "LIST"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SCRIPT", "FLUSH"),
    ("MONITOR",),
    ("SUBSCRIBE", "anything"),
    ("PUBLISH", "anything", "said"),
    ("SHUTDOWN", "NOSAVE"),
]


@pytest.mark.parametrize("user", [API, WORKER])
@pytest.mark.parametrize("command", [*FOREIGN, *ADMINISTRATION], ids=" ".join)
def test_nothing_else_may_be_done(guarded: Guarded, user: str, command: tuple[str, ...]) -> None:
    with guarded.client(user) as client, pytest.raises(RedisError, match=r"(?i)no permissions|can't run this command"):
        client.execute_command(*command)


@pytest.mark.parametrize("key", [keys.API_KEYS, keys.JOBS, keys.jobs("alice"), keys.rate("items", "alice")])
def test_a_worker_sees_nothing_of_clients_but_their_jobs(guarded: Guarded, key: str) -> None:
    with guarded.client(WORKER) as client, pytest.raises(NoPermissionError):
        client.exists(key)
    with guarded.client(API) as client:
        client.exists(key)


def test_nobody_comes_in_without_a_password(guarded: Guarded) -> None:
    store = Store(connect(f"unix://{guarded.socket}"))
    with pytest.raises(StoreUnavailable, match="Authentication required"):
        store.check_writable()


def test_an_allowance_that_is_too_narrow_says_so(guarded: Guarded) -> None:
    with guarded.client(ADMIN) as admin:
        admin.execute_command("ACL", "SETUSER", "narrow", "on", ">s3cret", "~croze:*", "-@all", "+ping")
    store = Store(connect(f"unix://narrow:s3cret@{guarded.socket}"))
    with pytest.raises(StoreUnavailable, match=r"does not allow: .*narrow .* docker/redis/users.acl"):
        store.jobs.get("x")


def test_the_file_allows_whatever_the_store_sends() -> None:
    """Also what no test here happens to send. RQ's own commands are seen to by the others."""
    folder = Path(workers.store.__path__[0])
    sent = {
        *(name for path in folder.glob("*.lua") for name in re.findall(r"redis\.call\('([A-Z]+)'", path.read_text())),
        *(name for path in folder.glob("*.py") for name in re.findall(r'\("([A-Z]{3,})"', path.read_text())),
    } - {"MISCONF"}
    assert len(sent) > 40
    users = [line.split() for line in USERS.read_text("utf-8").splitlines() if " croze-" in line]
    (api, worker) = ({word[1:].upper() for word in words if word.startswith("+")} for words in users)
    assert sent <= api
    assert sent - {"HVALS"} <= worker


@pytest.mark.parametrize("name", [API, WORKER])
def test_the_file_allows_no_whole_category(name: str) -> None:
    (line,) = [line for line in USERS.read_text("utf-8").splitlines() if line.startswith(f"user {name} ")]
    assert "+@" not in line
    assert " -@all " in line
    assert "resetchannels" in line
    assert not {"~*", "allkeys", "&*", "nopass"} & set(line.split())
