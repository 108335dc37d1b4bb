"""Figures: what happens is counted once, in the step in which it happens, and only if it does."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import redis as redis_driver

from proxy.spread import over_seeds
from proxy.task import Score
from tests.workers.jobs import failed, finish_all, new_items, new_job, score, scored, submit
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.figures import Histogram
from workers.records import ItemOutcome
from workers.settings import StoreSettings
from workers.store import Store
from workers.store.figures import failure_code


def outcome_of(*scores: Score) -> ItemOutcome:
    whole = all(each.status == "scored" for each in scores)
    return ItemOutcome(status="scored" if whole else "failed", scores={each.proxy: each.to_json() for each in scores})


def below(histogram: Histogram, bound: str) -> int:
    """How many were at most that."""
    return dict(histogram.buckets)[bound]


def test_jobs_and_their_items_are_counted_by_how_they_ended(store: Store) -> None:
    first, second, third = (submit(store, 3).spec.id for _ in range(3))
    finish_all(store, first)
    store.jobs.record(second, "w", 0, failed("timeout"), {})
    store.jobs.cancel(second)
    store.jobs.claim(third, "w", 1)
    figures = store.figures()
    assert figures.jobs == {"created": 3, "completed": 1, "canceled": 1}
    assert figures.items == {
        ("scored", ""): 3,
        ("failed", ""): 0,
        ("failed", "timeout"): 1,
        ("canceled", ""): 2,
    }
    assert (figures.jobs_queued, figures.jobs_running) == (0, 1)
    assert (figures.items_open, figures.items_leased) == (2, 1)


def test_what_is_refused_is_not_counted(store: Store) -> None:
    job_id = submit(store, 2).spec.id
    assert store.jobs.record(job_id, "w", 0, scored(), {})
    before = store.figures()
    assert not store.jobs.record(job_id, "late", 0, scored(), {})
    store.jobs.cancel(job_id)
    store.jobs.cancel(job_id)
    assert not store.jobs.record(job_id, "late", 1, failed(), {})
    after = store.figures()
    assert after.items == {**before.items, ("canceled", ""): 1}
    assert after.compute == before.compute
    assert after.scores == before.scores


def test_known_items_are_counted_when_their_job_is_created(store: Store) -> None:
    known = {0: outcome_of(replace(score(), cached=True), score(proxy="params")), 2: failed("invalid_architecture")}
    store.jobs.create(new_job(proxies=("croze", "params")), new_items(4), known)
    figures = store.figures()
    assert figures.items == {
        ("scored", ""): 1,
        ("failed", ""): 0,
        ("failed", "invalid_architecture"): 1,
        ("canceled", ""): 0,
    }
    assert figures.scores == {"cache": 2, "computed": 0}
    assert figures.compute.buckets[-1] == ("inf", 0)
    assert figures.items_open == 2


def test_only_what_was_computed_has_a_time(store: Store) -> None:
    job_id = submit(store, 4).spec.id
    slow = replace(score(), seconds=3.5)
    store.jobs.record(job_id, "w", 0, outcome_of(slow, score(proxy="params")), {})
    store.jobs.record(job_id, "w", 1, outcome_of(replace(slow, cached=True), score(proxy="params")), {})
    store.jobs.record(job_id, "w", 2, outcome_of(replace(slow, cached=True)), {})
    store.jobs.record(job_id, "w", 3, outcome_of(replace(slow, seconds=7200.0)), {})
    figures = store.figures()
    assert figures.scores == {"cache": 2, "computed": 4}
    assert figures.compute.sum == pytest.approx(3.75 + 0.25 + 7200)
    counts = [below(figures.compute, bound) for bound in ("0.1", "0.3", "3", "10", "1800", "inf")]
    assert counts == [0, 1, 1, 2, 2, 3]


def test_of_several_seeds_each_is_a_score(store: Store) -> None:
    of_three = over_seeds({0: replace(score(), cached=True).to_json(), 1: score().to_json(), 2: score().to_json()})
    outcome = ItemOutcome(status="scored", scores={"croze": of_three, "params": score(proxy="params").to_json()})
    job_id = submit(store, 1).spec.id
    store.jobs.record(job_id, "w", 0, outcome, {})
    assert store.figures().scores == {"cache": 1, "computed": 3}
    assert store.figures().compute.sum == pytest.approx(0.75)
    store.jobs.create(new_job(), new_items(1), {0: outcome})
    assert store.figures().scores == {"cache": 5, "computed": 3}


def test_an_item_waits_until_it_is_first_claimed(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 3).spec.id
    redis.hincrbyfloat(keys.JobKeys.of(job_id).job, "created_at", -50)
    assert store.figures().oldest_open_seconds == pytest.approx(50, abs=20)
    store.jobs.claim(job_id, "w", 2)
    store.jobs.release(job_id, "w", [0])
    store.jobs.claim(job_id, "w", 1)
    queue = store.figures().queue
    assert (below(queue, "30"), below(queue, "100"), below(queue, "inf")) == (0, 2, 2)
    assert queue.sum == pytest.approx(100, abs=40)


def test_the_age_is_that_of_jobs_which_have_something_open(store: Store, redis: redis_driver.Redis) -> None:
    assert store.figures().oldest_open_seconds == 0
    old, new = submit(store, 1).spec.id, submit(store, 1).spec.id
    redis.hincrbyfloat(keys.JobKeys.of(old).job, "created_at", -900)
    assert store.figures().oldest_open_seconds > 800
    store.jobs.claim(old, "w", 1)
    assert store.figures().oldest_open_seconds < 800
    store.jobs.claim(new, "w", 1)
    assert store.figures().oldest_open_seconds == 0


def test_deaths_and_lost_leases_are_counted(store: Store, redis: redis_driver.Redis) -> None:
    job_id = submit(store, 2).spec.id
    store.jobs.claim(job_id, "w", 2)
    store.jobs.blame(job_id, 1)
    expire_leases(redis, job_id)
    store.jobs.claim(job_id, "other", 2)
    store.jobs.cancel(job_id)
    assert store.jobs.blame(job_id, 1) == 0
    figures = store.figures()
    assert (figures.engine_deaths, figures.lease_expiries) == (1, 2)


def test_of_many_writers_the_one_that_wins_is_counted(store: Store) -> None:
    job_id = submit(store, 40).spec.id

    def write() -> None:
        for index in range(40):
            store.jobs.record(job_id, "w", index, scored(), {})

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    figures = store.figures()
    assert (figures.items["scored", ""], figures.scores["computed"]) == (40, 40)
    assert figures.compute.buckets[-1] == ("inf", 40)
    assert figures.compute.sum == pytest.approx(10.0)
    assert figures.jobs["completed"] == 1


def test_counts_outlive_the_jobs(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=0.001))
    finish_all(store, submit(store, 2).spec.id)
    assert redis.ttl(keys.FIGURES) == -1
    assert store.figures().items["scored", ""] == 2


def test_a_failure_has_the_code_of_the_item_or_of_the_first_proxy_that_failed() -> None:
    broken = replace(score(), status="failed", value=None, error={"code": "non_finite", "message": "it is"})
    assert failure_code(scored()) == ""
    assert failure_code(failed("timeout")) == "timeout"
    assert failure_code(outcome_of(score(proxy="params"), broken)) == "non_finite"
    assert failure_code(ItemOutcome(status="failed", scores={})) == "unknown"
