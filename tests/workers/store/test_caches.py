"""Scores, batches and the fleet: what is remembered, and for how long."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import redis as redis_driver

from proxy.task import Environment
from tests.workers.jobs import BATCH, ENVIRONMENT, score, scored, submit
from tests.workers.scoring import small_batch
from workers import keys
from workers.records import StoredBatch, WorkerRecord
from workers.settings import StoreSettings
from workers.store import Store, scores

WORKER = WorkerRecord(
    id="b",
    host="here",
    pid=1,
    engine_pid=2,
    environment=ENVIRONMENT,
    state="busy",
    job="j",
    started_at=1.5,
    scored=3,
)


def test_known_scores_come_back_as_they_were_but_cached(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "CHUNK", 2)
    job_id = submit(store, 1).spec.id
    kept = {f"a{number}": score(number / 3) for number in range(5)}
    store.jobs.record(job_id, "w", 0, scored(), kept)
    found = store.scores.known(["a4", "nothing", "a0", "a1"])
    expected = [replace(kept[each], cached=True).to_json() for each in ("a4", "a0", "a1")]
    assert found == [expected[0], None, *expected[1:]]
    assert store.scores.known([]) == []


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"null", b"[]", b'{"proxy": "croze", "value": 1.0}', b'{"status": "scored"}']
)
def test_a_score_that_cannot_be_read_is_not_known(store: Store, redis: redis_driver.Redis, text: bytes) -> None:
    job_id = submit(store, 1).spec.id
    redis.set(keys.score("a"), text)
    assert store.scores.known(["a"]) == [None]
    store.jobs.record(job_id, "w", 0, scored(), {"a": score(2.0)})
    assert store.scores.known(["a"]) == [replace(score(2.0), cached=True).to_json()]


def test_a_score_with_fields_of_another_state_is_not_known(store: Store, redis: redis_driver.Redis) -> None:
    redis.set(keys.score("a"), json.dumps(score().to_json() | {"device": "cpu"}))
    assert store.scores.known(["a"]) == [None]


def test_using_a_score_lengthens_its_life(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(score_ttl=300.0))
    job_id = submit(store, 1).spec.id
    store.jobs.record(job_id, "w", 0, scored(), {"a": score()})
    redis.expire(keys.score("a"), 5)
    store.scores.known(["a"])
    assert 290 < redis.ttl(keys.score("a")) <= 300


def test_a_batch_comes_back_bit_by_bit(store: Store) -> None:
    store.batches.put(BATCH)
    found = store.batches.get(BATCH.digest)
    assert found is not None
    assert (found.digest, found.name, found.classes) == (BATCH.digest, BATCH.name, BATCH.classes)
    np.testing.assert_array_equal(found.images_NCHW, BATCH.images_NCHW)
    assert store.batches.get("sha256:other") is None


def test_uploaded_batches_are_listed_until_they_expire(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(batch_ttl=500.0))
    second, built_in = small_batch(2, images=3), small_batch(3)
    for batch in (second, BATCH):
        store.batches.put(batch)
    store.batches.put(built_in, listed=False)
    listed = store.batches.listed()
    assert [each.name for each in listed] == ["noise-0", "noise-2"]
    assert listed[1].expires_at == pytest.approx(store.fleet.now() + 500, abs=2)
    assert listed[1] == StoredBatch(
        name="noise-2",
        digest=second.digest,
        size=3,
        classes=10,
        image=second.image,
        expires_at=listed[1].expires_at,
    )
    redis.delete(keys.batch(second.digest))
    assert [each.name for each in store.batches.listed()] == ["noise-0"]
    assert redis.scard(keys.BATCHES) == 1


def test_using_a_batch_lengthens_its_life(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(batch_ttl=500.0))
    store.batches.put(BATCH)
    redis.expire(keys.batch(BATCH.digest), 5)
    store.batches.put(BATCH)
    assert 490 < redis.ttl(keys.batch(BATCH.digest)) <= 500
    redis.expire(keys.batch(BATCH.digest), 5)
    store.batches.get(BATCH.digest)
    assert 490 < redis.ttl(keys.batch(BATCH.digest)) <= 500
    assert not store.batches.refresh("sha256:other")


def test_workers_are_listed_while_they_beat(store: Store, redis: redis_driver.Redis) -> None:
    starting = replace(WORKER, id="a", environment=None, engine_pid=None, state="starting", job=None)
    for record in (WORKER, starting):
        store.fleet.beat(record)
    assert store.fleet.workers() == [starting, WORKER]
    assert 0 < redis.pttl(keys.worker("b")) <= keys.WORKER_S * 1000
    store.fleet.leave("a")
    assert store.fleet.workers() == [WORKER]
    redis.delete(keys.worker("b"))
    assert store.fleet.workers() == []


def test_the_dead_are_dropped_from_the_list(store: Store, redis: redis_driver.Redis) -> None:
    store.fleet.beat(replace(WORKER, id="dead"))
    redis.zadd(keys.WORKERS, {"dead": 1.0})
    store.fleet.beat(WORKER)
    assert redis.zrange(keys.WORKERS, 0, -1) == [b"b"]


def test_environments_outlive_their_workers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "ENVIRONMENTS_KEPT", 2)
    seen = [Environment(device="cpu", capability=name, torch="2.13.0") for name in ("A", "B", "C")]
    for environment in (*seen, seen[1]):
        store.fleet.beat(replace(WORKER, environment=environment))
    store.fleet.leave(WORKER.id)
    assert store.fleet.environments() == [seen[1], seen[2]]
