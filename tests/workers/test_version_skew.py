"""Two releases that score differently, as real processes on one Redis: nobody takes what it would score otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import pytest
import redis as redis_driver

from tests.workers import other_release, quick_engine
from tests.workers.jobs import BATCH, indexes, new_items, new_job, scored
from tests.workers.odd_worker import odd_worker
from tests.workers.other_release import ITEMS
from tests.workers.processes import wait_until
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.records import Item, Job
from workers.store import Store

#: A new definition of croze, and a mere addition.
NEWER: Mapping[str, int] = {"croze": 2}
LARGER: Mapping[str, int] = {"sum_of_digits": 1}
#: Far more than any of it takes.
PATIENCE_S = 120.0


def accepted(store: Store) -> str:
    """A job that this release has accepted."""
    store.batches.put(BATCH, listed=False)
    return store.jobs.create(new_job(), new_items(ITEMS), {}).spec.id


def get(store: Store, job_id: str) -> Job:
    job = store.jobs.get(job_id)
    assert job is not None
    return job


def ended(store: Store, job_id: str) -> list[Item]:
    """All items of a job, once it has ended."""
    assert wait_until(lambda: get(store, job_id).status == "completed", PATIENCE_S), get(store, job_id).counts
    return store.jobs.items(job_id, 0, ITEMS)


def check_scored_by(store: Store, job_id: str, revision: int) -> None:
    """Every item has the score of that revision, and says so."""
    job = get(store, job_id).spec
    for item in ended(store, job_id):
        assert item.outcome is not None
        score = item.outcome.scores["croze"]
        expected = quick_engine.value_of(job.task(item.spec.architecture), revision)
        assert (score["value"], score["revision"]) == (expected, revision)


def is_noticed(redis: redis_driver.Redis, job_id: str) -> bool:
    """Whether a worker has found that no release alive can score the job."""
    return redis.zscore(keys.UNSERVED, job_id) is not None


def test_a_worker_that_would_score_otherwise_leaves_a_job_alone(
    store: Store, redis: redis_driver.Redis, redis_url: str
) -> None:
    job_id = accepted(store)
    with other_release.worker(redis_url, {**NEWER}):
        # It has looked at the job, and could have taken it in the same moment.
        assert wait_until(lambda: is_noticed(redis, job_id), PATIENCE_S)
        assert get(store, job_id).counts.queued == ITEMS
        assert store.figures().items_unserved == ITEMS
        with odd_worker(redis_url):
            check_scored_by(store, job_id, 1)
        assert wait_until(lambda: not is_noticed(redis, job_id), PATIENCE_S)
        assert store.figures().items_unserved == 0


def test_side_by_side_each_release_scores_what_it_has_accepted(store: Store, redis_url: str) -> None:
    theirs = secrets.token_hex(16)
    other_release.accept(redis_url, {**NEWER}, theirs)
    ours = accepted(store)
    assert get(store, theirs).needs == {*get(store, ours).needs} - {"croze=1"} | {"croze=2"}
    with other_release.worker(redis_url, {**NEWER}), odd_worker(redis_url):
        check_scored_by(store, ours, 1)
        check_scored_by(store, theirs, 2)


@pytest.mark.parametrize("direction", ["forward", "back"])
def test_what_another_release_scores_alike_goes_over_to_it(store: Store, redis_url: str, direction: str) -> None:
    """Rung in a queue that nobody hears, by a release with other proxies: an upgrade, or one that is taken back."""
    if direction == "forward":
        job_id = accepted(store)
        with other_release.worker(redis_url, {**LARGER}):
            check_scored_by(store, job_id, 1)
    else:
        job_id = secrets.token_hex(16)
        other_release.accept(redis_url, {**LARGER}, job_id)
        with odd_worker(redis_url):
            check_scored_by(store, job_id, 1)


def test_what_nobody_can_score_any_more_fails_and_says_so(
    store: Store, redis: redis_driver.Redis, redis_url: str
) -> None:
    job_id = accepted(store)
    done, killed = indexes(store.jobs.claim(job_id, "the last of its release", 2))
    assert store.jobs.record(job_id, "the last of its release", done, scored(), {})
    expire_leases(redis, job_id)
    with other_release.worker(redis_url, {**NEWER}, patience_s=1.0):
        items = ended(store, job_id)
    errors = [item.outcome.error for item in items if item.outcome and item.outcome.error]
    assert [item.spec.index for item in items if item.status == "scored"] == [done]
    assert len(errors) == ITEMS - 1, f"also {killed}, which its worker was killed over"
    assert {error["code"] for error in errors} == {"release_retired"}
    assert "none that is alive had croze=1; retry the job" in errors[0]["message"]
    assert store.figures().items["failed", "release_retired"] == ITEMS - 1
