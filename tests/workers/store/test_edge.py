"""The edge to Redis: what can go wrong there has a name, and restarts are survived."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis as redis_driver
from redis.exceptions import ResponseError

from tests.workers.jobs import new_items, new_job, submit
from tests.workers.processes import is_gone_within, kill, wait_until
from workers import keys
from workers.embedded_redis import EmbeddedRedis
from workers.errors import SchemaMismatch, StoreError, StoreFull, StoreUnavailable
from workers.settings import connect
from workers.store import Store
from workers.store.scripts import Script
from workers.store.wire import Wire


def test_a_writable_server_of_this_schema_is_fine(store: Store, redis: redis_driver.Redis) -> None:
    store.check_writable()
    store.check_writable()
    assert redis.get(keys.SCHEMA_KEY) == b"1"


def test_records_of_a_newer_release_are_left_alone(store: Store, redis: redis_driver.Redis) -> None:
    redis.set(keys.SCHEMA_KEY, keys.SCHEMA + 1)
    with pytest.raises(SchemaMismatch, match=r"schema 2.*schemas up to 1"):
        store.check_writable()


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    store = Store(connect(f"unix://{tmp_path}/none.sock"))
    with pytest.raises(StoreUnavailable, match=re.escape(f"{tmp_path}/none.sock does not answer")):
        store.jobs.get("x")
    with pytest.raises(StoreUnavailable):
        submit(store, 1)
    with pytest.raises(StoreUnavailable):
        store.check_writable()


def test_a_full_server_says_so_and_accepts_nothing(store: Store, redis: redis_driver.Redis) -> None:
    spec = new_job()
    redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreFull, match="memory limit"):
            store.check_writable()
        with pytest.raises(StoreFull):
            store.jobs.create(spec, new_items(3), {})
        assert store.jobs.get(spec.id) is None
    finally:
        redis.config_set("maxmemory", 0)


def test_a_server_that_cannot_write_is_unavailable(store: Store, redis: redis_driver.Redis) -> None:
    redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable, match=r"takes no writes: .*NOREPLICAS"):
            store.check_writable()
    finally:
        redis.config_set("min-replicas-to-write", 0)


def test_memory_that_runs_out_within_a_transaction_is_no_mistake_of_ours(redis: redis_driver.Redis) -> None:
    wire = Wire(redis)
    connection = redis.connection_pool.get_connection()
    send: Callable[..., Any] = connection.send_command
    try:
        for command in ("MULTI",), ("SET", "a", "b"):
            send(*command)
            connection.read_response()
        redis.config_set("maxmemory", 1)
        send("EXEC")
        with pytest.raises(StoreFull, match="memory limit"), wire.translated():
            connection.read_response()
    finally:
        redis.config_set("maxmemory", 0)
        redis.connection_pool.release(connection)


def test_a_server_that_was_suspended_within_a_script_is_unavailable(store: Store, redis: redis_driver.Redis) -> None:
    redis.config_set("busy-reply-threshold", 10)
    endless = threading.Thread(target=_without_end, args=[redis])
    endless.start()
    try:
        assert wait_until(lambda: _is_busy(store), 30)
    finally:
        assert wait_until(lambda: _killed(redis), 30)
        endless.join(30)
        redis.config_set("busy-reply-threshold", 5000)


def _without_end(redis: redis_driver.Redis) -> None:
    with pytest.raises(ResponseError, match="SCRIPT KILL"):
        redis.eval("while true do end", 0)


def _is_busy(store: Store) -> bool:
    try:
        store.jobs.get("x")
    except StoreUnavailable as error:
        return "BUSY" in error.message
    return False


def _killed(redis: redis_driver.Redis) -> bool:
    """Whether the endless script has been ended."""
    try:
        redis.script_kill()
    except ResponseError:
        return False
    return True


def test_a_refused_command_is_our_mistake(store: Store, redis: redis_driver.Redis) -> None:
    redis.set(keys.UNFINISHED, "not a sorted set")
    with pytest.raises(StoreError, match="refused a command: WRONGTYPE"):
        store.jobs.unrung()


def test_scripts_are_sent_again_to_a_server_that_lost_them(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    assert len(store.jobs.claim(job_id, "w", 1)) == 1
    redis.script_flush()
    assert len(store.jobs.claim(job_id, "w", 1)) == 1


def test_a_password_is_in_no_message() -> None:
    store = Store(connect("redis://someone:secret@127.0.0.1:1/0"))
    with pytest.raises(StoreUnavailable) as caught:
        store.check_writable()
    assert "127.0.0.1:1" in caught.value.message
    assert "secret" not in caught.value.message


def test_every_script_has_a_name_and_says_what_it_takes() -> None:
    folder = Path(__file__).parents[3] / "workers" / "store"
    files = {path.stem for path in folder.glob("*.lua") if not path.stem.startswith("_")}
    assert files == {script.value for script in Script}
    for script in Script:
        assert "-- KEYS: " in script.read()
        assert "-- Returns " in script.read()


def test_scripts_and_keys_agree_on_their_order() -> None:
    text = Script.CREATE.read()
    names = re.search(r"^local ([\w,\s]*) =\s+unpack\(KEYS, 2\)$", text, re.MULTILINE)
    assert names is not None
    assert "local FIGURES = KEYS[1]\n" in text
    unpacked = ["figures", *re.split(r",\s+", names[1].lower())]
    assert f"local OWN = {len(unpacked) + 1}\n" in text
    assert unpacked == [
        key.removeprefix(keys.PREFIX).removeprefix("job:J:").removesuffix(":J")
        for key in keys.JobKeys.of("J").for_scripts()
    ]
    staged = re.search(r"^local (.*) = unpack\(KEYS, OWN\)$", text, re.MULTILINE)
    assert staged is not None
    assert [name.removeprefix("STAGED_").lower() for name in staged[1].split(", ")] == [
        key.rpartition(":")[2] for key in keys.StagedKeys.of("T").for_scripts()
    ]


def test_the_table_of_keys_is_complete(store: Store, redis: redis_driver.Redis) -> None:
    assert keys.__doc__ is not None
    for name in (keys.UNFINISHED, keys.BATCHES, keys.WORKERS, keys.ENVIRONMENTS, keys.RETIRING, keys.SCHEMA_KEY):
        assert name in keys.__doc__
    for name in (keys.RELEASES, keys.UNSERVED, keys.reconciling("R"), keys.queue("R")):
        assert name in keys.__doc__
    for name in (keys.TRIMMING, keys.SCORES, keys.COST, keys.jobs(None), keys.jobs("OWNER")):
        assert name in keys.__doc__
    for name in (*keys.JobKeys.of("J").for_scripts(), keys.score("A"), keys.batch("D"), keys.worker("W")):
        assert name in keys.__doc__


def test_jobs_survive_a_killed_server(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        store = Store(connect(server.url))
        job = submit(store, 3)
        store.jobs.claim(job.spec.id, "w", 1)
        before = store.jobs.get(job.spec.id)
        pid = server.pid
        kill(pid)
        assert is_gone_within(pid, 30)
        server.stop()
        server.start()
        assert store.jobs.get(job.spec.id) == before
