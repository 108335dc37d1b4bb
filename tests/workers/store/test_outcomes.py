"""Recording and canceling: each item ends once, and what ended never changes."""

from __future__ import annotations

import threading
import time

import pytest
import redis as redis_driver

from tests.workers.jobs import failed, finish_all, indexes, new_items, new_job, score, scored, submit
from workers import keys
from workers.errors import StoreError
from workers.records import Counts
from workers.settings import StoreSettings
from workers.store import Store


def test_an_outcome_is_written_with_its_count_and_its_event(store: Store) -> None:
    job_id = submit(store, 3).spec.id
    store.jobs.claim(job_id, "w", 3)
    assert store.jobs.record(job_id, "w", 2, scored(9.0), {})
    assert store.jobs.record(job_id, "w", 0, failed("timeout"), {})
    job = store.jobs.get(job_id)
    assert job is not None
    assert job.counts == Counts(total=3, queued=0, running=1, scored=1, failed=1, canceled=0)
    assert [item.outcome for item in store.jobs.items(job_id, 0, 3)] == [failed("timeout"), None, scored(9.0)]
    assert [item.spec.index for item in store.jobs.finished(job_id, 0, 9)] == [2, 0]
    assert [item.spec.index for item in store.jobs.finished(job_id, 1, 9)] == [0]


def test_the_first_writer_wins_even_after_its_lease(store: Store) -> None:
    job_id = submit(store, 1).spec.id
    store.jobs.claim(job_id, "late", 1)
    store.jobs.release(job_id, "late", [0])
    store.jobs.claim(job_id, "holder", 1)
    assert store.jobs.record(job_id, "late", 0, scored(1.0), {})
    assert not store.jobs.record(job_id, "holder", 0, scored(2.0), {})
    assert store.jobs.items(job_id, 0, 1)[0].outcome == scored(1.0)
    job = store.jobs.get(job_id)
    assert job is not None
    assert (job.status, job.counts.scored, job.counts.running) == ("completed", 1, 0)


def test_a_write_to_an_open_item_takes_it_off_the_open_ones(store: Store) -> None:
    job_id = submit(store, 2).spec.id
    store.jobs.claim(job_id, "late", 1)
    store.jobs.release(job_id, "late", [0])
    assert store.jobs.record(job_id, "late", 0, scored(), {})
    assert indexes(store.jobs.claim(job_id, "w", 5)) == [1]


def test_the_last_outcome_completes_the_job(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=100.0))
    job_id = submit(store, 4).spec.id
    finish_all(store, job_id)
    job = store.jobs.get(job_id)
    assert job is not None
    assert job.status == "completed"
    assert job.finished_at is not None
    assert job.expires_at == pytest.approx(job.finished_at + 100)
    assert {item.status for item in store.jobs.items(job_id, 0, 9)} == {"scored"}
    lives = {key: redis.pttl(key) for key in redis.keys(f"{keys.PREFIX}job:*")}
    assert len(lives) == 5
    assert all(90_000 < life <= 100_000 for life in lives.values())
    assert redis.zcard(keys.UNFINISHED) == 0


def test_a_job_whose_items_all_failed_is_completed(store: Store) -> None:
    job_id = submit(store, 1).spec.id
    assert store.jobs.record(job_id, "w", 0, failed(), {})
    job = store.jobs.get(job_id)
    assert job is not None
    assert job.status == "completed"


def test_known_items_count_towards_completion(store: Store) -> None:
    job_id = store.jobs.create(new_job(), new_items(3), {1: scored()}).spec.id
    assert finish_all(store, job_id) == [0, 2]
    job = store.jobs.get(job_id)
    assert job is not None
    assert job.status == "completed"
    assert [item.spec.index for item in store.jobs.finished(job_id, 0, 9)] == [1, 0, 2]


def test_an_expired_job_is_gone_and_stays_gone(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=0.001))
    job_id = submit(store, 1).spec.id
    finish_all(store, job_id)
    time.sleep(0.01)
    assert store.jobs.get(job_id) is None
    assert not store.jobs.record(job_id, "late", 0, scored(), {})
    assert redis.keys(f"{keys.PREFIX}job:*") == []


def test_scores_are_remembered_with_the_outcome(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(score_ttl=200.0))
    job_id = submit(store, 2).spec.id
    store.jobs.record(job_id, "w", 0, scored(), {"address": score(3.0), "other": score(4.0)})
    values = [found["value"] for found in store.scores.known(["other", "address"]) if found is not None]
    assert values == [4.0, 3.0]
    assert 190 < redis.ttl(keys.score("address")) <= 200


def test_a_refused_outcome_leaves_no_score(store: Store) -> None:
    job_id = submit(store, 1).spec.id
    store.jobs.cancel(job_id)
    assert not store.jobs.record(job_id, "w", 0, scored(), {"address": score()})
    assert store.scores.known(["address"]) == [None]


@pytest.mark.parametrize("index", [2, -1])
def test_a_job_has_no_other_items(store: Store, index: int) -> None:
    job_id = submit(store, 2).spec.id
    with pytest.raises(StoreError, match=f"no item {index}"):
        store.jobs.record(job_id, "w", index, scored(), {})


def test_canceling_keeps_what_is_done(redis: redis_driver.Redis) -> None:
    store = Store(redis, StoreSettings(job_retention=100.0))
    job_id = submit(store, 5).spec.id
    store.jobs.claim(job_id, "w", 3)
    store.jobs.record(job_id, "w", 1, scored(8.0), {})
    job = store.jobs.cancel(job_id)
    assert job is not None
    assert job.status == "canceled"
    assert job.counts == Counts(total=5, queued=0, running=0, scored=1, failed=0, canceled=4)
    assert job.finished_at is not None
    assert job.expires_at == pytest.approx(job.finished_at + 100)
    statuses = [item.status for item in store.jobs.items(job_id, 0, 9)]
    assert statuses == ["canceled", "scored", "canceled", "canceled", "canceled"]
    ended = [(item.spec.index, item.status) for item in store.jobs.finished(job_id, 0, 9)]
    assert ended == [(1, "scored"), (0, "canceled"), (2, "canceled"), (3, "canceled"), (4, "canceled")]
    assert all(90 < redis.ttl(key) <= 100 for key in redis.keys(f"{keys.PREFIX}job:*"))
    assert store.jobs.unrung() == []


def test_a_canceled_job_takes_no_more_outcomes(store: Store) -> None:
    job_id = submit(store, 2).spec.id
    store.jobs.claim(job_id, "w", 1)
    before = store.jobs.cancel(job_id)
    assert not store.jobs.record(job_id, "w", 0, scored(), {})
    assert store.jobs.get(job_id) == before


def test_an_ended_job_cannot_be_canceled(store: Store) -> None:
    job_id = submit(store, 1).spec.id
    finish_all(store, job_id)
    before = store.jobs.get(job_id)
    assert store.jobs.cancel(job_id) == before
    again = submit(store, 1).spec.id
    first = store.jobs.cancel(again)
    assert store.jobs.cancel(again) == first


def test_a_large_job_can_be_canceled(store: Store) -> None:
    spec = new_job()
    store.jobs.create(spec, [*new_items(2500)], {})
    job = store.jobs.cancel(spec.id)
    assert job is not None
    assert job.counts.canceled == 2500
    assert [item.spec.index for item in store.jobs.finished(spec.id, 2400, 500)] == [*range(2400, 2500)]


def test_of_many_writers_exactly_one_wins_each_item(store: Store) -> None:
    job_id = submit(store, 60).spec.id
    won: list[tuple[str, int]] = []

    def write(worker: str) -> None:
        for index in range(60):
            if store.jobs.record(job_id, worker, index, scored(float(worker)), {}):
                won.append((worker, index))

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(index for _, index in won) == [*range(60)]
    outcomes = {item.spec.index: item.outcome for item in store.jobs.finished(job_id, 0, 100)}
    assert outcomes == {index: scored(float(worker)) for worker, index in won}


def test_items_say_when_they_began_and_ended(store: Store) -> None:
    job = store.jobs.create(new_job(), new_items(4), {3: scored()})
    job_id = job.spec.id
    store.jobs.claim(job_id, "a", 2)
    began = [item.started_at for item in store.jobs.items(job_id, 0, 2)]
    store.jobs.release(job_id, "a", [0, 1])
    store.jobs.claim(job_id, "b", 2)
    store.jobs.record(job_id, "b", 0, scored(), {})
    ended = store.jobs.cancel(job_id)
    assert ended is not None
    items = store.jobs.items(job_id, 0, 9)
    assert [item.started_at for item in items] == [*began, None, None]
    first, *left, known = [item.finished_at for item in items]
    assert began[0] is not None
    assert first is not None
    assert ended.finished_at is not None
    assert job.created_at < began[0] < first < ended.finished_at
    assert left == [ended.finished_at] * 2
    assert known == job.created_at


def test_an_outcome_without_a_claim_starts_the_job(store: Store) -> None:
    job_id = submit(store, 2).spec.id
    store.jobs.record(job_id, "late", 0, scored(), {})
    job = store.jobs.get(job_id)
    assert job is not None
    assert job.status == "running"
    assert job.started_at is not None
    assert store.jobs.items(job_id, 0, 1)[0].started_at is None
