"""What workers do: lease items, and write down how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proxy.task import Score
from workers import keys
from workers.errors import LeaseExpired
from workers.keys import JobKeys
from workers.records import Claim, ItemOutcome
from workers.settings import LEASE_EXPIRIES, SUSPICIOUS
from workers.store import codec, figures
from workers.store.job_part import JobPart
from workers.store.scripts import Script


class Working(JobPart):
    """What a worker does to the job it works on."""

    def claim(self, job_id: str, worker_id: str, limit: int, *, expiries: int = LEASE_EXPIRIES) -> list[Claim]:
        """Lease up to `limit` open items, lowest indexes first. None if the job is gone or has ended.

        An item that `expiries` workers have let go of by silence fails here. A suspect (`SUSPICIOUS`) comes alone.
        """
        assert limit >= 1, "at least one item is claimed"
        reply: list[bytes | int] = self._wire.script(
            Script.CLAIM,
            JobKeys.of(job_id).for_scripts(),
            [
                worker_id,
                limit,
                keys.LEASE_S,
                SUSPICIOUS,
                expiries,
                codec.outcome_to_json(_expired(expiries)),
                LeaseExpired.code,
                self._settings.job_retention,
            ],
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

    def record(
        self,
        job_id: str,
        worker_id: str,
        index: int,
        outcome: ItemOutcome,
        keep: Mapping[str, Score],
        reserved: Sequence[str] = (),
    ) -> bool:
        """Write how an item ended. The first writer wins, whoever holds a lease on it by then.

        `keep` are scores to remember, by address. `reserved` are addresses that this worker has reserved (`Scores`):
        they are free afterwards. `worker_id` says who writes and decides nothing: holding a lease is no condition, and
        no right. False: refused, nothing was written or freed, for the item or its job has ended or is gone.
        """
        reply: int = self._wire.script(
            Script.RECORD,
            [
                *JobKeys.of(job_id).for_scripts(),
                keys.COST,
                keys.SCORES,
                *map(keys.score, keep),
                *map(keys.reservation, reserved),
            ],
            [
                index,
                outcome.status,
                codec.outcome_to_json(outcome),
                self._settings.job_retention,
                int(self._settings.score_ttl),
                *figures.of_outcome(outcome),
                worker_id,
                *map(codec.score_to_json, keep.values()),
            ],
        )
        return bool(reply)

    def release(self, job_id: str, worker_id: str, indexes: Sequence[int]) -> int:
        """Hand leased items back unfinished. Returns how many are open again."""
        reply: int = self._wire.script(Script.RELEASE, JobKeys.of(job_id).for_scripts(), [worker_id, *indexes])
        return reply

    def defer(self, job_id: str, worker_id: str, indexes: Sequence[int]) -> None:
        """Put leased items aside for `DEFER_S`: another worker computes what they need. They count as running."""
        self._wire.script(Script.DEFER, JobKeys.of(job_id).for_scripts(), [worker_id, keys.DEFER_S, *indexes])

    def blame(self, job_id: str, index: int) -> int:
        """Count an engine's death against an item. Returns how many have died over it so far."""
        reply: int = self._wire.script(Script.BLAME, JobKeys.of(job_id).for_scripts(), [index])
        return reply


def _expired(times: int) -> ItemOutcome:
    message = (
        f"{times} workers fell silent with this item in their hands, for {keys.LEASE_S:g} s each: killed, suspended, "
        f"cut off from Redis, or out of memory; see to the workers (GET /v1/workers, their logs), then submit it anew"
    )
    return ItemOutcome(status="failed", scores={}, error={"code": LeaseExpired.code, "message": message})


def _bytes(value: bytes | int) -> bytes:
    assert isinstance(value, bytes), "Redis answers a string with bytes"
    return value
