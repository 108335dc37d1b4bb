"""Jobs that no release alive can score: they wait, then fail; and what was rung for a release that is gone."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
import redis as redis_driver

from proxy import numerics
from tests.workers.jobs import ENVIRONMENT, new_items, new_job, submit
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.enqueue import Doorbell
from workers.keys import JobKeys
from workers.records import ItemSpec, JobSpec, WorkerRecord
from workers.store import Store

OTHER = numerics.SERVES - {"croze=1"} | {"croze=2"}


def beat(store: Store, serves: frozenset[str] = OTHER) -> None:
    """A worker of that release is alive."""
    store.fleet.beat(
        WorkerRecord(
            id=numerics.revision(serves),
            host="host",
            pid=1,
            engine_pid=2,
            environment=ENVIRONMENT,
            state="idle",
            job=None,
            started_at=0.0,
            scored=0,
        ),
        serves,
    )


def look(store: Store, redis: redis_driver.Redis, patience: float) -> dict[str, int]:
    """A worker's turn, at once."""
    redis.delete(keys.RETIRING)
    found = store.jobs.retire("w", patience)
    assert found is not None
    return found


def status(store: Store, job_id: str) -> tuple[str, int]:
    """Of the job, and how many of its items have failed."""
    job = store.jobs.get(job_id)
    assert job is not None
    return job.status, job.counts.failed


def test_while_no_worker_lives_jobs_wait(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    assert store.figures().items_unserved == 2
    for _ in range(2):
        assert look(store, redis, 0.0) == {}
    assert status(store, job_id) == ("queued", 0)


def test_jobs_are_noticed_then_fail(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    beat(store)
    assert look(store, redis, 0.0) == {job_id: 0}
    assert look(store, redis, 3600.0) == {}
    assert status(store, job_id) == ("queued", 0)
    assert look(store, redis, 0.0) == {job_id: 2}
    assert status(store, job_id) == ("completed", 2)
    assert look(store, redis, 0.0) == {}
    assert redis.zcard(keys.UNSERVED) == 0


def test_what_is_served_is_left_alone_and_its_time_begins_anew(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    beat(store)
    assert look(store, redis, 0.0) == {job_id: 0}
    beat(store, numerics.SERVES)
    assert look(store, redis, 0.0) == {}
    assert store.figures().items_unserved == 0
    redis.zrem(keys.RELEASES, " ".join(sorted(numerics.SERVES)))
    assert look(store, redis, 3600.0) == {job_id: 0}, "noticed for the first time, again"


def test_time_without_any_worker_does_not_count(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    beat(store)
    assert look(store, redis, 0.0) == {job_id: 0}
    redis.pexpire(keys.UNSERVED, 30_000)
    assert look(store, redis, 3600.0) == {}
    assert 30_000 < redis.pttl(keys.UNSERVED) <= keys.NOTICED_S * 1000, "each turn keeps it"
    redis.delete(keys.UNSERVED)  # as it is after that time without a turn
    assert look(store, redis, 0.0) == {job_id: 0}
    assert status(store, job_id) == ("queued", 0)


def test_who_is_at_work_still_may_finish(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 3).spec.id
    store.jobs.claim(job_id, "of that release", 1)
    beat(store)
    for _ in range(2):
        look(store, redis, 0.0)
    assert status(store, job_id) == ("running", 2)
    expire_leases(redis, job_id)
    for _ in range(2):
        look(store, redis, 0.0)
    assert status(store, job_id) == ("completed", 3)


def test_large_jobs_fail_too(store: Store, redis: redis_driver.Redis) -> None:
    job_id = store.jobs.create(new_job(), new_items(2001), {}).spec.id
    beat(store)
    look(store, redis, 0.0)
    assert look(store, redis, 0.0) == {job_id: 2001}
    assert status(store, job_id) == ("completed", 2001)


def test_one_worker_at_a_time_looks(store: Store, redis: redis_driver.Redis) -> None:
    assert store.jobs.retire("a") == {}
    assert store.jobs.retire("b") is None
    assert 0 < redis.pttl(keys.RETIRING) <= keys.RETIRE_S * 1000


def test_jobs_of_others_are_not_rung(store: Store, redis: redis_driver.Redis) -> None:
    ours, theirs = (submit(store, 2).spec.id for _ in range(2))
    redis.hset(JobKeys.of(theirs).job, "needs", "task=1 croze=2")
    redis.delete(f"rq:queue:{keys.QUEUE}")
    assert store.jobs.unrung() == [ours]


def test_a_job_of_a_release_without_needs_is_anybodys(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    redis.hdel(JobKeys.of(job_id).job, "needs")
    redis.delete(f"rq:queue:{keys.QUEUE}")
    beat(store)
    assert store.jobs.unrung() == [job_id]
    assert look(store, redis, 0.0) == {}


def test_rings_for_a_release_that_is_gone_are_swept_away(
    store: Store, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [keys.QUEUE, keys.queue(numerics.revision(OTHER)), keys.queue("deadbeef"), "somebody-elses"]
    for name in names:
        monkeypatch.setattr(keys, "QUEUE", name)
        Doorbell(redis).ring("a-job")
    monkeypatch.setattr(keys, "QUEUE", names[0])
    beat(store)
    look(store, redis, 0.0)
    assert [redis.llen(f"rq:queue:{name}") for name in names] == [1, 1, 0, 1]
    assert len([*redis.scan_iter("rq:job:*")]) == 3


def test_the_fields_of_jobs_are_those_of_the_format_of_tasks() -> None:
    """A field was added? Older releases pass it over. If they do something else then: a feature, or `TASK_FORMAT`."""
    known = {
        1: "space settings proxies seed seeds batch precision layers "
        "id batch_name dedupe aggregate metadata owner name fingerprint priority retry_of "
        "request_id webhook traceparent "
        "index architecture sent representative format params macs facts retried",
    }
    found = {field.name for record in (JobSpec, ItemSpec) for field in fields(record)}
    assert found == set(known[numerics.TASK_FORMAT].split())


def test_records_of_a_newer_release_can_be_read(store: Store, redis: redis_driver.Redis) -> None:
    job = submit(store, 1)
    names = JobKeys.of(job.spec.id)
    spec = redis.hget(names.job, "spec")
    item = redis.lindex(names.items, 0)
    assert isinstance(spec, bytes)
    assert isinstance(item, bytes)
    redis.hset(names.job, "spec", json.dumps(json.loads(spec) | {"colour": "red"}))
    redis.lset(names.items, 0, json.dumps(json.loads(item) | {"weight": 3}))
    beat(store)
    record = redis.get(keys.worker(numerics.revision(OTHER)))
    assert isinstance(record, bytes)
    redis.set(keys.worker(numerics.revision(OTHER)), json.dumps(json.loads(record) | {"mood": "fine"}))
    assert store.jobs.get(job.spec.id) == job
    assert [claim.item for claim in store.jobs.claim(job.spec.id, "w", 1)] == new_items(1)
    assert [worker.host for worker in store.fleet.workers()] == ["host"]
