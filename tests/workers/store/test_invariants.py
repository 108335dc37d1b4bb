"""Whatever is done in whatever order: every item has one place, ends at most once, and never changes then."""

from __future__ import annotations

from typing import TypeAlias

import redis as redis_driver
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.workers.jobs import failed, new_items, new_job, scored
from tests.workers.store.test_claims import expire_leases
from workers.keys import JobKeys
from workers.records import ItemOutcome, Job
from workers.store import Store

WORKERS = st.sampled_from(["a", "b", "c"])
INDEXES = st.integers(0, 5)
SIZE = 6

Ended: TypeAlias = tuple[int, str, ItemOutcome | None]


class Interleaving(RuleBasedStateMachine):
    """Three workers and a client at one job."""

    redis: redis_driver.Redis

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.store = Store(self.redis)
        self.ended: list[Ended] = []
        self.status = "queued"

    @initialize(known=st.sets(INDEXES, max_size=2))
    def submit(self, known: set[int]) -> None:
        spec = new_job()
        self.id = spec.id
        self.store.jobs.create(spec, new_items(SIZE), {index: scored() for index in sorted(known)})

    @rule(worker=WORKERS, limit=st.integers(1, 3))
    def claim(self, worker: str, limit: int) -> None:
        ended = {index for index, _, _ in self.ended}
        for claim in self.store.jobs.claim(self.id, worker, limit):
            assert claim.item.index not in ended
            assert self.redis.hget(JobKeys.of(self.id).holders, str(claim.item.index)) == worker.encode()

    @rule(worker=WORKERS, indexes=st.sets(INDEXES, min_size=1))
    def renew(self, worker: str, indexes: set[int]) -> None:
        assert self.store.jobs.renew(self.id, worker, sorted(indexes)) == (self.job().finished_at is None)

    @rule()
    def expire(self) -> None:
        expire_leases(self.redis, self.id)

    @rule(worker=WORKERS, indexes=st.sets(INDEXES, min_size=1))
    def release(self, worker: str, indexes: set[int]) -> None:
        self.store.jobs.release(self.id, worker, sorted(indexes))

    @rule(worker=WORKERS, index=INDEXES, value=st.none() | st.floats(allow_nan=False, allow_infinity=False))
    def record(self, worker: str, index: int, value: float | None) -> None:
        outcome = failed() if value is None else scored(value)
        open_before = index not in {ended for ended, _, _ in self.ended}
        assert self.store.jobs.record(self.id, worker, index, outcome, {}) == open_before
        if open_before:
            assert self.store.jobs.items(self.id, index, 1)[0].outcome == outcome

    @rule(really=st.integers(0, 9))
    def cancel(self, really: int) -> None:
        if really == 0:
            self.store.jobs.cancel(self.id)

    def job(self) -> Job:
        job = self.store.jobs.get(self.id)
        assert job is not None
        return job

    @invariant()
    def counts_add_up(self) -> None:
        counts = self.job().counts
        parts = (counts.queued, counts.running, counts.scored, counts.failed, counts.canceled)
        assert sum(parts) == counts.total == SIZE
        listed: list[str] = [item.status for item in self.store.jobs.items(self.id, 0, SIZE)]
        assert parts == tuple(map(listed.count, ("queued", "running", "scored", "failed", "canceled")))

    @invariant()
    def every_item_has_one_place(self) -> None:
        job = JobKeys.of(self.id)
        places = [
            *self.redis.zrange(job.open, 0, -1),
            *self.redis.zrange(job.leases, 0, -1),
            *self.redis.lrange(job.finished, 0, -1),
        ]
        assert sorted(map(int, places)) == [*range(SIZE)]
        assert set(self.redis.hkeys(job.holders)) == set(self.redis.zrange(job.leases, 0, -1))

    @invariant()
    def what_has_ended_never_changes(self) -> None:
        found = self.store.jobs.finished(self.id, 0, SIZE)
        now: list[Ended] = [(item.spec.index, item.status, item.outcome) for item in found]
        assert now[: len(self.ended)] == self.ended
        assert len({index for index, _, _ in now}) == len(now)
        self.ended = now

    @invariant()
    def the_status_follows_from_the_items(self) -> None:
        status = self.job().status
        ended = self.redis.llen(JobKeys.of(self.id).finished)
        assert (status in ("completed", "canceled")) == (ended == SIZE)
        if self.status in ("completed", "canceled"):
            assert status == self.status
        self.status = status

    @invariant()
    def waiting_work_is_seen(self) -> None:
        self.redis.delete("rq:queue:croze-1")
        has_open = self.redis.zcard(JobKeys.of(self.id).open) > 0
        if has_open:
            assert self.store.jobs.unrung() == [self.id]


def test_interleavings(redis: redis_driver.Redis) -> None:
    # What is asserted are the invariants above, after every step, and what the rules themselves assert.
    run_state_machine_as_test(
        type("Interleaving", (Interleaving,), {"redis": redis}),
        settings=settings(max_examples=40, stateful_step_count=25, deadline=None, database=None, derandomize=True),
    )
