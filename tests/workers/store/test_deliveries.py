"""Webhook deliveries in Redis: none is missing, one process at a time is at it, and they go with their jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_driver

from tests.workers.jobs import finish_all, new_items, new_job, scored, submit
from tests.workers.traces import leaks
from workers import keys
from workers.embedded_redis import EmbeddedRedis
from workers.keys import JobKeys
from workers.records import Job
from workers.settings import StoreSettings
from workers.store import Store
from workers.store.deliveries import ATTEMPTS_KEPT
from workers.webhooks import DeliveryAttempt, DeliveryLease, Webhook

HOOK = Webhook(url="https://example.org/", secret="whsec_x", events=("job.completed", "job.canceled"))  # noqa: S106
GOOD = DeliveryAttempt(at=1.5, status_code=204, error=None)
BAD = DeliveryAttempt(at=1.5, status_code=500, error="answered 500")


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own: the API of other tests would take what is due."""
    with EmbeddedRedis(tmp_path_factory.mktemp("own")) as server:
        yield server.url


@pytest.fixture
def redis(_server: str) -> Iterator[redis_driver.Redis]:
    with redis_driver.Redis.from_url(_server) as client:
        client.flushall()
        yield client


def hooked(store: Store, known: int = 0, **changes: Any) -> Job:
    """A job of two items that has a webhook."""
    return store.jobs.create(
        new_job(**{"webhook": HOOK, **changes}), new_items(2), dict.fromkeys(range(known), scored())
    )


def leased(store: Store, holder: str = "a") -> DeliveryLease:
    lease = store.deliveries.lease(holder)
    assert lease is not None
    return lease


def make_due(redis: redis_driver.Redis, job: Job) -> None:
    redis.zadd(keys.DELIVERIES, {job.spec.id: 1.0}, xx=True)


def test_every_end_leaves_a_delivery(store: Store) -> None:
    done, canceled, known = hooked(store), hooked(store), hooked(store, known=2)
    assert store.deliveries.get(done.spec.id) is None
    finish_all(store, done.spec.id)
    store.jobs.cancel(canceled.spec.id)
    store.jobs.cancel(canceled.spec.id)

    found = [store.deliveries.get(job.spec.id) for job in (done, canceled, known)]

    assert [each and each.type for each in found] == ["job.completed", "job.canceled", "job.completed"]
    assert len({each and each.id for each in found}) == 3
    assert store.figures().deliveries_waiting == 3
    assert store.jobs.get(done.spec.id).spec.webhook == HOOK  # type: ignore[union-attr]


def test_a_job_without_a_webhook_leaves_nothing(store: Store, redis: redis_driver.Redis) -> None:
    finish_all(store, submit(store, 2).spec.id)
    store.jobs.create(new_job(), new_items(1), {0: scored()})
    assert redis.keys("*deliver*") == []
    assert store.deliveries.lease("a") is None


def test_one_holder_at_a_time_and_the_oldest_first(store: Store, redis: redis_driver.Redis) -> None:
    first, second = hooked(store, known=2), hooked(store, known=2)
    lease = leased(store)
    assert (lease.job, lease.type, lease.failures) == (first.spec.id, "job.completed", 0)
    assert leased(store, "b").job == second.spec.id
    assert store.deliveries.lease("c") is None
    make_due(redis, first)  # its holder was silent for too long
    assert leased(store, "d").id == lease.id

    assert not store.deliveries.report(lease, "delivered", GOOD), "too late to decide anything"

    delivery = store.deliveries.get(first.spec.id)
    assert delivery is not None
    assert (delivery.status, delivery.attempts) == ("waiting", (GOOD,))
    assert store.figures().deliveries == {"delivered": 0, "failed": 0, "given_up": 0}


def test_what_failed_is_due_later_and_what_ended_no_more(store: Store, redis: redis_driver.Redis) -> None:
    job = hooked(store, known=2)
    assert store.deliveries.report(leased(store), "failed", BAD, 1000.0)
    assert store.deliveries.lease("b") is None
    delivery = store.deliveries.get(job.spec.id)
    assert delivery is not None
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at > store.deliveries.now() + 500
    make_due(redis, job)
    lease = leased(store)
    assert lease.failures == 1
    assert store.deliveries.report(lease, "delivered", GOOD)
    delivery = store.deliveries.get(job.spec.id)
    assert delivery is not None
    assert (delivery.status, delivery.attempts, delivery.next_attempt_at) == ("delivered", (BAD, GOOD), None)
    figures = store.figures()
    assert (figures.deliveries, figures.deliveries_waiting) == ({"delivered": 1, "failed": 1, "given_up": 0}, 0)


def test_sending_again_takes_the_lease_from_whoever_has_it(store: Store) -> None:
    job = hooked(store, known=2)
    lease = leased(store)
    assert not store.deliveries.redeliver(job.spec.id, "another")
    assert store.deliveries.redeliver(job.spec.id, lease.id)
    assert not store.deliveries.report(lease, "given_up", BAD)
    again = leased(store, "b")
    assert again.id == lease.id
    assert store.deliveries.report(again, "delivered", GOOD)
    assert not store.deliveries.redeliver(submit(store, 1).spec.id, lease.id)


def test_deliveries_go_with_their_jobs(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=1000))
    deleted, expired, running = hooked(store, known=2), hooked(store, known=2), hooked(store)
    held = leased(store)
    for number in range(ATTEMPTS_KEPT + 5):
        store.deliveries.report(held, "failed" if number == 0 else "given_up", BAD, 1000.0)
    names = JobKeys.of(deleted.spec.id)
    assert redis.llen(names.tries) == ATTEMPTS_KEPT
    assert 0 < redis.pttl(names.tries) <= 1_000_000
    assert 0 < redis.pttl(names.delivery) <= 1_000_000
    assert leaks(redis) == []
    for job in (deleted, running):
        assert store.jobs.delete(job.spec.id)
        assert redis.keys(f"{JobKeys.of(job.spec.id).job}*") == []
    assert not store.deliveries.report(held, "delivered", GOOD)
    assert redis.keys(f"{names.job}*") == []
    redis.delete(JobKeys.of(expired.spec.id).job, JobKeys.of(expired.spec.id).delivery)
    assert store.figures().deliveries_waiting == 1
    assert store.deliveries.lease("b") is None
    assert store.figures().deliveries_waiting == 0
