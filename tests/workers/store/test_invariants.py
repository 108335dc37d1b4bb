"""Whatever is done in whatever order: every item has one place, ends at most once, and never changes then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Final, TypeAlias, TypeVar, cast

import redis as redis_driver
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from proxy.aggregates import row_of
from tests.workers.jobs import AGGREGATE, failed, new_items, new_job, score, scored_by_both
from tests.workers.store.test_claims import expire_leases
from workers import keys
from workers.keys import JobKeys
from workers.records import TERMINAL_ITEM, TERMINAL_JOB, ItemOutcome, Job, JobSpec
from workers.states import ITEM_CHANGES, JOB_CHANGES, START
from workers.store import Store

WORKERS = st.sampled_from(["a", "b", "c"])
INDEXES = st.integers(0, 5)
WHICH = st.integers(0, 2)
SELDOM = st.integers(0, 9)
SIZE = 6

Ended: TypeAlias = tuple[int, str, ItemOutcome | None]
Step = TypeVar("Step", bound=Callable[..., None])

#: How often each step of a machine was taken, and each final state seen, by name.
TAKEN: Final[Counter[str]] = Counter()


def noted(step: Step) -> Step:
    """Counts how often a step comes to its end."""
    TAKEN[step.__name__] = 0

    @wraps(step)
    def taken(*args: Any, **kwargs: Any) -> None:
        step(*args, **kwargs)
        TAKEN[step.__name__] += 1

    return cast("Step", taken)


@dataclass
class Seen:
    """What was last seen of a job."""

    spec: JobSpec
    size: int
    status: str = START
    items: list[str] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def is_deleted(self) -> bool:
        return self.status == "deleted"


class Interleaving(RuleBasedStateMachine):
    """Three workers and a client at one job, and at the jobs that retry it."""

    redis: redis_driver.Redis

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushall()
        self.store = Store(self.redis)
        self.jobs: list[Seen] = []

    @initialize(known=st.sets(INDEXES, max_size=2))
    @noted
    def submit(self, known: set[int]) -> None:
        spec = new_job(owner="alice", proxies=("croze", "params"), aggregate=AGGREGATE)
        self.store.jobs.create(spec, new_items(SIZE), {index: scored_by_both(1.5) for index in sorted(known)})
        self.jobs.append(Seen(spec, SIZE))

    @rule(which=WHICH, worker=WORKERS, limit=st.integers(1, 3))
    @noted
    def claim(self, which: int, worker: str, limit: int) -> None:
        seen = self.pick(which)
        ended = {index for index, _, _ in seen.ended}
        for claim in self.store.jobs.claim(seen.id, worker, limit, expiries=1000):
            assert not seen.is_deleted
            assert claim.item.index not in ended
            assert self.redis.hget(JobKeys.of(seen.id).holders, str(claim.item.index)) == worker.encode()

    @rule(which=WHICH, worker=WORKERS, indexes=st.sets(INDEXES, min_size=1))
    @noted
    def renew(self, which: int, worker: str, indexes: set[int]) -> None:
        seen = self.pick(which)
        wanted = not seen.is_deleted and seen.status not in TERMINAL_JOB
        assert self.store.jobs.renew(seen.id, worker, sorted(indexes)) == wanted

    @rule(which=WHICH)
    @noted
    def expire(self, which: int) -> None:
        expire_leases(self.redis, self.pick(which).id)

    @rule(which=WHICH, worker=WORKERS, indexes=st.sets(INDEXES, min_size=1))
    @noted
    def release(self, which: int, worker: str, indexes: set[int]) -> None:
        self.store.jobs.release(self.pick(which).id, worker, sorted(indexes))

    @rule(
        which=WHICH, worker=WORKERS, index=INDEXES, value=st.none() | st.floats(allow_nan=False, allow_infinity=False)
    )
    @noted
    def record(self, which: int, worker: str, index: int, value: float | None) -> None:
        """With a lease, after it, after another's, after the end, or after the job itself is gone."""
        seen = self.pick(which)
        index %= seen.size
        outcome = failed() if value is None else scored_by_both(value)
        is_open = not seen.is_deleted and index not in {ended for ended, _, _ in seen.ended}
        address = f"{seen.id}-{index}"
        known = self.store.scores.known([address]) != [None]
        assert self.store.jobs.record(seen.id, worker, index, outcome, {address: score()}) == is_open
        assert (self.store.scores.known([address]) != [None]) == (is_open or known)
        if is_open:
            assert self.store.jobs.items(seen.id, index, 1)[0].outcome == outcome

    @rule(which=WHICH, really=SELDOM)
    @noted
    def cancel(self, which: int, really: int) -> None:
        if really == 0:
            self.store.jobs.cancel(self.pick(which).id)

    @rule(which=WHICH, really=SELDOM)
    @noted
    def delete(self, which: int, really: int) -> None:
        seen = self.pick(which)
        if really == 0:
            assert self.store.jobs.delete(seen.id) == (not seen.is_deleted)
            seen.status = "deleted"
            TAKEN[seen.status] += 1

    @rule(which=WHICH)
    @noted
    def retry(self, which: int) -> None:
        """As the API does it: what failed in a job that has ended, as a new job."""
        seen = self.pick(which)
        failures = [item.spec for item in self.store.jobs.items(seen.id, 0, seen.size) if item.status == "failed"]
        again = [replace(spec, index=index, retried=spec.index) for index, spec in enumerate(failures)]
        if seen.status in TERMINAL_JOB and again and len(self.jobs) < 3:
            spec = new_job(owner="alice", retry_of=seen.id, proxies=("croze", "params"), aggregate=AGGREGATE)
            self.store.jobs.create(spec, again, {})
            self.jobs.append(Seen(spec, len(again)))
            TAKEN["retried"] += 1

    def pick(self, which: int) -> Seen:
        return self.jobs[which % len(self.jobs)]

    def living(self) -> list[tuple[Seen, Job]]:
        found = [(seen, self.store.jobs.get(seen.id)) for seen in self.jobs]
        assert [seen.is_deleted for seen, _ in found] == [job is None for _, job in found]
        return [(seen, job) for seen, job in found if job is not None]

    @invariant()
    @noted
    def counts_add_up(self) -> None:
        for seen, job in self.living():
            counts = job.counts
            parts = (counts.queued, counts.running, counts.scored, counts.failed, counts.canceled)
            assert sum(parts) == counts.total == seen.size
            listed: list[str] = [item.status for item in self.store.jobs.items(seen.id, 0, seen.size)]
            assert parts == tuple(map(listed.count, ("queued", "running", "scored", "failed", "canceled")))

    @invariant()
    @noted
    def every_item_has_one_place(self) -> None:
        for seen, _ in self.living():
            job = JobKeys.of(seen.id)
            places = [
                *self.redis.zrange(job.open, 0, -1),
                *self.redis.zrange(job.leases, 0, -1),
                *self.redis.lrange(job.finished, 0, -1),
            ]
            assert sorted(map(int, places)) == [*range(seen.size)]
            assert set(self.redis.hkeys(job.holders)) == set(self.redis.zrange(job.leases, 0, -1))

    @invariant()
    @noted
    def who_has_ended_with_a_value_is_ranked(self) -> None:
        for seen, _ in self.living():
            ended = self.store.jobs.finished(seen.id, 0, seen.size)
            values = {item.spec.index: row_of(AGGREGATE.proxies, item.outcome.scores) for item in ended if item.outcome}
            ranked = self.store.jobs.ranked(seen.id, len(AGGREGATE.proxies))
            assert ranked == {index: row for index, row in values.items() if row is not None}

    @invariant()
    @noted
    def what_has_ended_never_changes(self) -> None:
        for seen, job in self.living():
            found = self.store.jobs.finished(seen.id, 0, seen.size)
            now: list[Ended] = [(item.spec.index, item.status, item.outcome) for item in found]
            assert now[: len(seen.ended)] == seen.ended
            assert len({index for index, _, _ in now}) == len(now)
            times = [item.finished_at or 0.0 for item in found]
            assert times == sorted(times)
            assert all(job.created_at <= time for time in times)
            seen.ended = now

    @invariant()
    @noted
    def every_change_is_in_the_table(self) -> None:
        for seen, job in self.living():
            ended = self.redis.llen(JobKeys.of(seen.id).finished)
            assert (job.status in TERMINAL_JOB) == (ended == seen.size)
            check_changes(seen.status, job.status, JOB_CHANGES)
            now: list[str] = [item.status for item in self.store.jobs.items(seen.id, 0, seen.size)]
            for before, after in zip(seen.items or [START] * seen.size, now, strict=True):
                check_changes(before, after, ITEM_CHANGES)
            seen.status, seen.items = job.status, now
            TAKEN.update({job.status, *now})

    @invariant()
    @noted
    def what_is_deleted_stays_deleted(self) -> None:
        for seen in self.jobs:
            if seen.is_deleted:
                assert self.redis.keys(f"{keys.PREFIX}job:{seen.id}*") == []
                assert self.store.jobs.tombstone(seen.id) is not None
        listed, _ = self.store.jobs.newest("alice", None, 9)
        assert {job.spec.id for job in listed} == {seen.id for seen in self.jobs if not seen.is_deleted}

    @invariant()
    @noted
    def waiting_work_is_seen(self) -> None:
        self.redis.delete(f"rq:queue:{keys.QUEUE}")
        waiting = [seen.id for seen, _ in self.living() if self.redis.zcard(JobKeys.of(seen.id).open) > 0]
        assert set(waiting) <= set(self.store.jobs.unrung())


def check_changes(before: str, after: str, table: Collection[tuple[str, str]]) -> None:
    """From one state to the other by at most three changes of the table: a rule may make several."""
    reached = {before}
    for _ in range(3):
        reached |= {end for start, end in table if start in reached}
    assert after in reached, f"{before} -> {after}"


def test_interleavings(redis: redis_driver.Redis) -> None:
    TAKEN.update(dict.fromkeys({*TERMINAL_JOB, *TERMINAL_ITEM, "deleted", "retried"}, 0))
    # The invariants above are asserted after every step, and rules assert something themselves.
    run_state_machine_as_test(
        type("Interleaving", (Interleaving,), {"redis": redis}),
        settings=settings(max_examples=60, stateful_step_count=50, deadline=None, database=None, derandomize=True),
    )

    missed = sorted(name for name, times in TAKEN.items() if times == 0)
    assert missed == [], "a rule or an invariant that was never taken, or an end that nothing had, shows nothing"
    steps = {name for name, value in vars(Interleaving).items() if callable(value) and not name.startswith("_")}
    assert steps - {"pick", "living"} <= TAKEN.keys(), "every one of them is counted"
