"""Jobs: what was asked, who is at it, and how it ended. The truth that RQ's rings only point to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from proxy.task import Score
from workers import keys
from workers.enqueue import Doorbell
from workers.errors import StoreError, StoreUnavailable
from workers.keys import JobKeys
from workers.records import Claim, Counts, Item, ItemOutcome, ItemSpec, Job, JobSpec, JobStatus
from workers.settings import StoreSettings
from workers.store import codec
from workers.store.scripts import Script
from workers.store.staging import stage
from workers.store.wire import Command, Wire

_JOB_FIELDS: Final = (
    "spec",
    "status",
    "total",
    "scored",
    "failed",
    "canceled",
    "created_at",
    "started_at",
    "finished_at",
    "expires_at",
)
_JOB_STATUSES: Final[dict[bytes, JobStatus]] = {
    b"queued": "queued",
    b"running": "running",
    b"completed": "completed",
    b"canceled": "canceled",
}


class Jobs:
    """Every method is one step for all other clients, and raises only `StoreError`s."""

    def __init__(self, wire: Wire, settings: StoreSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._doorbell = Doorbell(wire.connection)

    # What a client does

    def create(self, spec: JobSpec, items: Sequence[ItemSpec], known: Mapping[int, ItemOutcome]) -> Job:
        """Accept a job, all or nothing. `items` are in order of their indexes, which start at 0.

        `known` are outcomes that need no computing. A job that knows them all is born completed.

        Raises:
            StoreUnavailable: nothing was accepted, or the answer was lost on its way.
            StoreFull: nothing was accepted.
        """
        assert [item.index for item in items] == list(range(len(items))), "indexes count from 0"
        assert items, "a job has at least one item"
        assert known.keys() <= set(range(len(items))), "an outcome belongs to an item"
        staged = stage(self._wire, items, known)
        scored = sum(outcome.status == "scored" for outcome in known.values())
        commit = self._wire.script_command(
            Script.CREATE,
            [*JobKeys.of(spec.id).for_scripts(), *staged.for_scripts()],
            [
                spec.id,
                codec.job_to_json(spec),
                len(items),
                scored,
                len(known) - scored,
                self._settings.job_retention,
            ],
        )
        batch: Command = ("EXPIRE", keys.batch(spec.batch), int(self._settings.batch_ttl))
        # A ring for a job that the script refused finds nothing, and does nothing.
        ring = None if len(known) == len(items) else lambda pipeline: self._doorbell.ring(spec.id, pipeline)
        created: bytes = self._wire.transaction(commit, batch, also=ring)[0]
        if created == b"exists":
            raise StoreError(f"job {spec.id!r} exists; give a new job a new id")
        if created != b"created":
            raise StoreUnavailable(f"storing job {spec.id!r} took too long, nothing was accepted; try again")
        job = self.get(spec.id)
        if job is None:
            raise StoreUnavailable(f"job {spec.id!r} was lost by Redis right after it was accepted; try again")
        return job

    def get(self, job_id: str) -> Job | None:
        """The job now; None if there is none, or none any more."""
        job = JobKeys.of(job_id)
        fields: list[bytes | None]
        fields, queued, running = self._wire.transaction(
            ("HMGET", job.job, *_JOB_FIELDS), ("ZCARD", job.open), ("ZCARD", job.leases)
        )
        spec, status, total, scored, failed, canceled, *times = fields
        if spec is None or status is None:
            return None
        created_at, started_at, finished_at, expires_at = (None if time is None else float(time) for time in times)
        return Job(
            spec=codec.job_from_json(spec),
            status=_JOB_STATUSES[status],
            counts=Counts(
                total=int(total or 0),
                queued=queued,
                running=running,
                scored=int(scored or 0),
                failed=int(failed or 0),
                canceled=int(canceled or 0),
            ),
            created_at=created_at or 0.0,
            started_at=started_at,
            finished_at=finished_at,
            expires_at=expires_at,
        )

    def items(self, job_id: str, start: int, limit: int) -> list[Item]:
        """At most `limit` items from index `start` on, in input order, whatever their state."""
        assert start >= 0, "indexes count from 0"
        assert limit >= 1, "at least one item is asked for"
        job = JobKeys.of(job_id)
        specs: list[bytes] = self._wire.command("LRANGE", job.items, start, start + limit - 1)
        return self._items(job, {start + offset: spec for offset, spec in enumerate(specs)})

    def finished(self, job_id: str, start: int, limit: int) -> list[Item]:
        """At most `limit` items that have ended, in the order in which they did, from the `start`-th on.

        The list only grows: every item of the job appears in it once, a canceled one too. So whoever reads it by
        offset until the job has ended has seen every item exactly once.
        """
        assert start >= 0, "offsets count from 0"
        assert limit >= 1, "at least one item is asked for"
        job = JobKeys.of(job_id)
        listed: list[bytes] = self._wire.command("LRANGE", job.finished, start, start + limit - 1)
        if not listed:
            return []
        indexes = [int(index) for index in listed]
        specs: list[bytes | None] = self._wire.transaction(*(("LINDEX", job.items, index) for index in indexes))
        return self._items(job, {index: spec for index, spec in zip(indexes, specs, strict=True) if spec})

    def _items(self, job: JobKeys, specs: Mapping[int, bytes]) -> list[Item]:
        if not specs:
            return []
        status: bytes | None
        outcomes: list[bytes | None]
        leases: list[float | None]
        status, outcomes, leases = self._wire.transaction(
            ("HGET", job.job, "status"), ("HMGET", job.outcomes, *specs), ("ZMSCORE", job.leases, *specs)
        )
        if status is None:
            return []
        canceled = _JOB_STATUSES[status] == "canceled"
        return [
            _item(codec.item_from_json(index, spec), outcome, leased=lease is not None, canceled=canceled)
            for (index, spec), outcome, lease in zip(specs.items(), outcomes, leases, strict=True)
        ]

    def cancel(self, job_id: str) -> Job | None:
        """End the job now; what is done stays. The job as it is then; None if there is none.

        A job that has ended stays as it is.
        """
        self._wire.script(Script.CANCEL, JobKeys.of(job_id).for_scripts(), [self._settings.job_retention])
        return self.get(job_id)

    # What a worker does

    def claim(self, job_id: str, worker_id: str, limit: int) -> list[Claim]:
        """Lease up to `limit` open items, lowest indexes first. None if the job is gone or has ended."""
        assert limit >= 1, "at least one item is claimed"
        reply: list[bytes | int] = self._wire.script(
            Script.CLAIM, JobKeys.of(job_id).for_scripts(), [worker_id, limit, keys.LEASE_S]
        )
        claims = zip(reply[0::3], reply[1::3], reply[2::3], strict=True)
        return [
            Claim(item=codec.item_from_json(int(index), _bytes(spec)), attempt=int(attempt))
            for index, attempt, spec in claims
        ]

    def renew(self, job_id: str, worker_id: str, indexes: Sequence[int]) -> bool:
        """Extend the worker's leases on these items. False: the job is gone or has ended; stop working on it.

        A lease that ran out (Redis was away, the machine slept) is taken again if nobody else took it.
        """
        job = JobKeys.of(job_id)
        return bool(self._wire.script(Script.RENEW, job.for_scripts(), [worker_id, keys.LEASE_S, *indexes]))

    def is_wanted(self, job_id: str) -> bool:
        """Whether the job still wants its items. Reads only."""
        status: bytes | None = self._wire.command("HGET", JobKeys.of(job_id).job, "status")
        return status in (b"queued", b"running")

    def record(self, job_id: str, worker_id: str, index: int, outcome: ItemOutcome, keep: Mapping[str, Score]) -> bool:
        """Write how an item ended. The first writer wins, whoever holds a lease on it by then.

        `keep` are scores to remember, by address. `worker_id` says who writes and decides nothing: holding a lease
        is no condition, and no right. False: refused, nothing was written, for the item or its job has ended or
        is gone.
        """
        reply: int = self._wire.script(
            Script.RECORD,
            [*JobKeys.of(job_id).for_scripts(), *map(keys.score, keep)],
            [
                index,
                outcome.status,
                codec.outcome_to_json(outcome),
                self._settings.job_retention,
                int(self._settings.score_ttl),
                *map(codec.score_to_json, keep.values()),
            ],
        )
        return bool(reply)

    def release(self, job_id: str, worker_id: str, indexes: Sequence[int]) -> int:
        """Hand leased items back unfinished. Returns how many are open again."""
        reply: int = self._wire.script(Script.RELEASE, JobKeys.of(job_id).for_scripts(), [worker_id, *indexes])
        return reply

    def blame(self, job_id: str, index: int) -> int:
        """Count an engine's death against an item. Returns how many have died over it so far."""
        reply: int = self._wire.script(Script.BLAME, JobKeys.of(job_id).for_scripts(), [index])
        return reply

    # The doorbell

    def ring(self, job_id: str) -> None:
        """Put the job at the back of the queue if it has open items and is not in the queue already.

        Two workers may both find it missing, and both ring: harmless, and made good by the next to ring.
        """
        open_items: int = self._wire.command("ZCARD", JobKeys.of(job_id).open)
        if open_items and job_id not in self._rung():
            self._ring(job_id)

    def unrung(self) -> list[str]:
        """Ids of the jobs that have something to do, nobody at it, and no ring in the queue; oldest first."""
        prefix = JobKeys.of("").job
        waiting: list[bytes] = self._wire.script(Script.WAITING, [keys.UNFINISHED], [prefix])
        rung = self._rung() if waiting else set()
        return [job_id for job_id in (each.decode() for each in waiting) if job_id not in rung]

    def ring_forgotten(self, worker_id: str) -> list[str] | None:
        """Ring every unrung job, if it is this worker's turn: one turn every `RECONCILE_S` for all workers.

        Returns the ids of the jobs; None if it is not this worker's turn.
        """
        milliseconds = int(keys.RECONCILE_S * 1000)
        if self._wire.command("SET", keys.RECONCILING, worker_id, "NX", "PX", milliseconds) is None:
            return None
        forgotten = self.unrung()
        for job_id in forgotten:
            self._ring(job_id)
        return forgotten

    def _ring(self, job_id: str) -> None:
        with self._wire.translated():
            self._doorbell.ring(job_id)

    def _rung(self) -> set[str]:
        with self._wire.translated():
            return self._doorbell.rung()


def _bytes(value: bytes | int) -> bytes:
    assert isinstance(value, bytes), "Redis answers a string with bytes"
    return value


def _item(spec: ItemSpec, outcome: bytes | None, *, leased: bool, canceled: bool) -> Item:
    if outcome is not None:
        ended = codec.outcome_from_json(outcome)
        return Item(spec=spec, status=ended.status, outcome=ended)
    if canceled:
        return Item(spec=spec, status="canceled")
    return Item(spec=spec, status="running" if leased else "queued")
