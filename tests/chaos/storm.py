"""Kill at random, and see whether anything is lost."""

from __future__ import annotations

import itertools
import os
import random
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from proxy.aggregates import rank_all, row_of
from tests.chaos.client import PATIENCE_S, RANKED_BY, Client, Wanted, new_job
from tests.chaos.service import Service, service
from tests.workers.processes import wait_until
from tests.workers.traces import leaks
from workers.engine_pool import EnginePool
from workers.store import Store

#: How often each kind is hit. Engines and workers are in the middle of something most of the time.
_WEIGHTS: Final = {"engine": 4, "worker": 3, "api": 2, "redis": 2}
#: Kills in one go, with pauses too short for anything to recover.
_LONGEST_BURST: Final = 4
_POLL_S: Final = 0.1
#: A thousand items on a machine that is busy with other tests.
_JOB_PATIENCE_S: Final = 900.0
WORKERS: Final = 2


@dataclass
class Report:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the first kill of each burst until everything was at work again."""
    jobs: int = 0
    items: int = 0
    repeats: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills by SIGKILL in {self.seconds:.0f} s ({kinds})\n"
            f"{len(self.recoveries)} recoveries, each of them whole again after at most {max(self.recoveries):.1f} s, "
            f"half of them after {statistics.median(self.recoveries):.1f} s\n"
            f"{self.jobs} jobs, {self.items} items: each ended once, none failed, every score equal to the last bit "
            f"to that of an undisturbed run\n"
            f"{self.repeats} requests had to be repeated, as the manual says; no process and no key was left over"
        )


@dataclass
class Storm:
    """Kills a service while it has work."""

    service: Service
    client: Client
    chance: random.Random
    items: int
    report: Report = field(default_factory=Report)
    jobs: list[Wanted] = field(default_factory=list)

    def rage(self, kills: int) -> None:
        """Until there were so many kills and every job has ended."""
        started = time.monotonic()
        self._submit()
        with self._impatient_client():
            self._kill(kills)
        self._await(lambda: all(map(self.client.ended, self.jobs)), lambda: "a job does not end", _JOB_PATIENCE_S)
        self.report.seconds = time.monotonic() - started
        self.report.repeats = self.client.repeats

    def _kill(self, kills: int) -> None:
        while self.report.kills.total() < kills:
            burst = self.chance.randint(1, min(_LONGEST_BURST, kills - self.report.kills.total()))
            first = time.monotonic()
            for _ in range(burst):
                self._kill_one()
                time.sleep(self.chance.uniform(0.0, 0.5))
            self._await(lambda: self.service.missing() is None, lambda: self.service.missing() or "")
            self.report.recoveries.append(time.monotonic() - first)
            time.sleep(self.chance.uniform(0.0, 1.0))
            if self.client.ended(self.jobs[-1]):
                self._submit()

    @contextmanager
    def _impatient_client(self) -> Iterator[None]:
        """Somebody else who asks all the time, and submits again what was submitted, which changes nothing."""
        other, stop, troubles = Client(self.client.url), threading.Event(), []

        def ask() -> None:
            try:
                for turn in itertools.count():
                    (other.ended if turn % 10 else other.submit)(self.jobs[-1])
                    if stop.wait(_POLL_S):
                        return
            except Exception as error:
                troubles.append(error)

        thread = threading.Thread(target=ask, name="impatient")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(PATIENCE_S)
        assert troubles == []
        self.client.repeats += other.repeats
        self.client.mistakes += other.mistakes

    def _submit(self) -> None:
        job = new_job(self.chance, self.items, seed=len(self.jobs))
        self.client.submit(job)
        self.jobs.append(job)
        self.report.jobs += 1
        self.report.items += self.items

    def _kill_one(self) -> None:
        kind = self.chance.choices([*_WEIGHTS], [*_WEIGHTS.values()])[0]
        victims = sorted(self.service.pids(kind))
        if not victims:  # it has not come back yet: that is what the pause after a burst is for
            return
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(victims), signal.SIGKILL)
            self.report.kills[kind] += 1

    def _await(self, condition: Callable[[], bool], trouble: Callable[[], str], patience: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"{trouble()}\n{self.service.up.text()}"
            time.sleep(_POLL_S)


def run(folder: Path, *, kills: int, items: int, seed: int) -> Report:
    """A storm on a service of its own, and everything that must be true after it.

    `folder` is an empty one. `kills` is how many there are at least; `items` is how many a job has.
    """
    with service(folder, WORKERS) as target:
        storm = Storm(target, Client(target.up.url), random.Random(seed), items)
        storm.rage(kills)
        answers = [storm.client.items(job) for job in storm.jobs]
        check_all_ended_once(target, storm.jobs, answers)
        with target.redis() as redis:
            assert leaks(redis) == []
        assert wait_until(lambda: target.orphans() == {}, 30), target.orphans()
    assert wait_until(lambda: target.orphans() == {}, 30), target.orphans()
    assert storm.client.mistakes == []
    check_values(storm.jobs, answers)
    check_ranks(answers)
    return storm.report


def check_all_ended_once(target: Service, jobs: list[Wanted], answers: list[list[dict[str, Any]]]) -> None:
    """Every item of every job is scored, and is in the list of what has ended exactly once."""
    with target.redis() as redis:
        store = Store(redis)
        for wanted, items in zip(jobs, answers, strict=True):
            total = len(wanted.indexes)
            job = store.jobs.get(wanted.id)
            assert job is not None
            failed = [item for item in items if item["status"] != "scored"]
            assert failed == []
            assert (job.status, job.counts.scored, job.counts.total) == ("completed", total, total)
            assert [item["index"] for item in items] == [*range(total)]
            ended = [item.spec.index for item in store.jobs.finished(wanted.id, 0, 2 * total)]
            assert sorted(ended) == [*range(total)]


def check_values(jobs: list[Wanted], answers: list[list[dict[str, Any]]]) -> None:
    """Every score has the bits of an undisturbed run."""
    with EnginePool(WORKERS) as pool:
        for job, items in zip(jobs, answers, strict=True):
            assert [item["scores"]["croze"]["value"] for item in items] == job.undisturbed(pool)


def check_ranks(answers: list[list[dict[str, Any]]]) -> None:
    """Every item was ranked once, among all others."""
    for items in answers:
        rows = {item["index"]: row_of(RANKED_BY, item["scores"]) or () for item in items}
        expected = {index: (value, rank, len(items)) for index, (value, rank) in rank_all(rows).items()}
        found = {item["index"]: tuple(item["aggregate"][name] for name in ("value", "rank", "of")) for item in items}
        assert found == expected
