"""The doorbell: rings are small and unique, and nothing else is run, imported or called, whoever put it there."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_driver
from redis.client import Pipeline
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from tests.workers.jobs import submit
from workers import keys
from workers.drain import Drain
from workers.enqueue import RING_FAILURE_TTL_S, TASK, Doorbell, ForeignJob, Ring
from workers.settings import connect
from workers.store import Store
from workers.worker import ScoringWorker

#: Not a module that anything here imports: being loaded would prove that a name in a job was followed.
BAIT = "croze_bait"


@pytest.fixture
def bait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module that must never be imported."""
    (tmp_path / f"{BAIT}.py").write_text("def call(*args, **kwargs):\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    assert BAIT not in sys.modules


@pytest.fixture
def plain_queue(redis: redis_driver.Redis) -> Queue:
    """Our queue, as anybody with access to Redis can use it."""
    return Queue(keys.QUEUE, connection=redis, serializer=JSONSerializer)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the one task is called with."""
    calls: list[str] = []
    monkeypatch.setattr(TASK, calls.append)
    return calls


def work(redis_url: str) -> None:
    """Answer everything in the queue, then stop. RQ installs signal handlers: put the old ones back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ScoringWorker(connect(redis_url), "me", Drain(5.0)).work(burst=True, logging_level=None)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_ring_names_its_job_and_leaves_nothing(
    store: Store, redis: redis_driver.Redis, redis_url: str, heard: list[str]
) -> None:
    first, second = (submit(store, 1).spec.id for _ in range(2))
    assert Doorbell(redis).rung() == {first, second}
    work(redis_url)
    assert heard == [first, second]
    assert redis.keys("rq:job:*") == []
    assert redis.keys("rq:results:*") == []
    assert redis.llen(f"rq:queue:{keys.QUEUE}:intermediate") == 0


def test_rings_of_one_job_are_told_apart(redis: redis_driver.Redis) -> None:
    doorbell = Doorbell(redis)
    for _ in range(2):
        doorbell.ring("a-job_1")
    assert len(set(doorbell.queue.get_job_ids())) == 2
    assert doorbell.rung() == {"a-job_1"}


def test_a_ring_in_a_transaction_is_part_of_it(redis: redis_driver.Redis) -> None:
    doorbell = Doorbell(redis)
    pipeline: Pipeline
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.multi()
        pipeline.set("mine", 1)
        doorbell.ring("j", pipeline)
        assert redis.keys("*") == []
        pipeline.execute()
    assert doorbell.rung() == {"j"}
    assert redis.get("mine") == b"1"


def test_a_failed_ring_is_soon_forgotten(
    store: Store, redis: redis_driver.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(job_id: str) -> None:
        raise RuntimeError(job_id)

    monkeypatch.setattr(TASK, fail)
    submit(store, 1)
    work(redis_url)
    (ring,) = Doorbell(redis).queue.failed_job_registry.get_job_ids()
    assert 0 < redis.ttl(f"rq:job:{ring}") <= RING_FAILURE_TTL_S


def test_what_a_killed_worker_had_heard_is_forgotten(store: Store, redis: redis_driver.Redis, redis_url: str) -> None:
    submit(store, 1)
    intermediate = Doorbell(redis).queue.intermediate_queue
    # Killed right after this: the ring is nobody's.
    redis.lmove(f"rq:queue:{keys.QUEUE}", intermediate.key, "LEFT", "RIGHT")
    (ring,) = intermediate.get_job_ids()
    redis.set(intermediate.get_first_seen_key(ring), 1.0)
    ScoringWorker(connect(redis_url), "me", Drain(5.0)).run_maintenance_tasks()  # type: ignore[no-untyped-call]
    assert intermediate.get_job_ids() == []
    assert 0 < redis.ttl(f"rq:job:{ring}") <= RING_FAILURE_TTL_S


@pytest.mark.parametrize(
    "call",
    [
        {"f": f"{BAIT}.call"},
        {"f": TASK, "args": ["j"], "on_success": Callback(f"{BAIT}.call")},
        {"f": TASK, "args": ["j"], "on_failure": Callback(f"{BAIT}.call")},
        {"f": TASK, "args": ["j"], "on_stopped": Callback(f"{BAIT}.call")},
        {"f": TASK, "args": ["j"], "webhooks": [Webhook("http://127.0.0.1:9/", "finished")]},
        {"f": TASK, "args": []},
        {"f": TASK, "args": ["j", "k"]},
        {"f": TASK, "args": [{"j": 1}]},
        {"f": TASK, "args": ["j"], "kwargs": {"k": 1}},
        {"f": f"{BAIT}.call", "args": [TASK]},
    ],
    ids=lambda call: "-".join(call),
)
@pytest.mark.usefixtures("bait")
def test_foreign_jobs_are_refused(
    plain_queue: Queue,
    store: Store,
    redis_url: str,
    heard: list[str],
    caplog: pytest.LogCaptureFixture,
    call: dict[str, Any],
) -> None:
    foreign = plain_queue.enqueue_call(call.pop("f"), **call)
    ours = submit(store, 1).spec.id
    work(redis_url)
    assert heard == [ours]
    assert f"refused RQ job '{foreign.id}'" in caplog.text
    with pytest.raises(ForeignJob):
        Ring.fetch(foreign.id, connection=plain_queue.connection, serializer=JSONSerializer)


def test_a_command_is_not_run(plain_queue: Queue, redis_url: str, tmp_path: Path) -> None:
    plain_queue.enqueue_call("os.system", args=(f"touch {tmp_path}/ran",))
    work(redis_url)
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("bait")
def test_methods_and_unreadable_data_are_refused(
    plain_queue: Queue, redis: redis_driver.Redis, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bound = plain_queue.enqueue_call(TASK, args=("j",))
    redis.hset(bound.key, "data", json.dumps([TASK, "a string with methods", ["j"], {}]))
    torn = plain_queue.enqueue_call(TASK, args=("j",))
    redis.hset(torn.key, "data", b"\x80\x04pickle")
    work(redis_url)
    assert f"refused RQ job '{bound.id}'" in caplog.text
    assert f"refused RQ job '{torn.id}': its data cannot be read" in caplog.text


@pytest.mark.usefixtures("bait")
def test_callbacks_are_not_called_while_rq_tidies_up(
    plain_queue: Queue, redis: redis_driver.Redis, redis_url: str
) -> None:
    """RQ calls the failure callbacks of jobs that look abandoned: whatever is in its registry of started jobs."""
    planted = Job.create(
        f"{BAIT}.call",
        connection=redis,
        serializer=JSONSerializer,
        origin=keys.QUEUE,
        on_failure=Callback(f"{BAIT}.call"),
    )
    planted.save()
    redis.hset(planted.key, "status", "started")
    redis.zadd(f"rq:wip:{keys.QUEUE}", {f"{planted.id}:execution": 1.0})
    work(redis_url)
    assert redis.zcard(f"rq:wip:{keys.QUEUE}") == 0


def test_a_worker_takes_no_commands(redis_url: str) -> None:
    worker = ScoringWorker(connect(redis_url), "me", Drain(5.0))
    worker.subscribe()
    assert worker.pubsub_thread is None
    assert worker.queue_names() == [keys.QUEUE]
