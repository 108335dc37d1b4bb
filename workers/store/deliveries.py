"""Webhook deliveries: what is to be sent, who sends it, and what became of it.

The script that ends a job leaves the delivery (`_job.lua`), so that no end is without it. A job ends once, so it has
at most one. It goes with its job.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from workers import keys
from workers.keys import JobKeys
from workers.store.scripts import Script
from workers.store.wire import Part, Wire
from workers.webhooks import Delivery, DeliveryAttempt, DeliveryLease, DeliveryOutcome

#: Attempts that are remembered of one delivery.
ATTEMPTS_KEPT: Final = 50


class Deliveries:
    """Every method is one step for all other clients, and raises only `StoreError`s."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def lease(self, holder: str) -> DeliveryLease | None:
        """The delivery that has been due for the longest, for `DELIVERY_LEASE_S`; None if none is due.

        `holder` must be new each time.
        """
        if not self._wire.command("EXISTS", keys.DELIVERIES):
            return None  # nearly always: what asks every second should cost next to nothing
        found = self._wire.script(
            Script.LEASE_DELIVERY, [keys.DELIVERIES], [JobKeys.of("").job, holder, keys.DELIVERY_LEASE_S]
        )
        if not found:
            return None
        job_id, delivery_id, event, failures = found
        return DeliveryLease(
            job=job_id.decode(), id=delivery_id.decode(), type=event.decode(), failures=failures, holder=holder
        )

    def report(
        self, lease: DeliveryLease, outcome: DeliveryOutcome, attempt: DeliveryAttempt, delay: float = 0.0
    ) -> bool:
        """Write down an attempt and what follows from it: `failed` is due again after `delay` seconds.

        False: the lease was lost, or the job is gone; the attempt is written down if there is where to.
        """
        arguments: list[Part] = [lease.holder, outcome, json.dumps(asdict(attempt)), delay, ATTEMPTS_KEPT]
        return bool(self._wire.script(Script.REPORT_DELIVERY, JobKeys.of(lease.job).for_scripts(), arguments))

    def get(self, job_id: str) -> Delivery | None:
        """The delivery of a job; None if it has none (yet)."""
        job = JobKeys.of(job_id)
        fields, attempts, due = self._wire.transaction(
            ("HMGET", job.delivery, "id", "type", "state"),
            ("LRANGE", job.tries, 0, -1),
            ("ZSCORE", keys.DELIVERIES, job_id),
        )
        if fields[0] is None:
            return None
        delivery_id, event, state = (field.decode() for field in fields)
        return Delivery(
            id=delivery_id,
            type=event,
            status=state,
            attempts=tuple(map(_attempt, attempts)),
            next_attempt_at=None if due is None else float(due),
        )

    def redeliver(self, job_id: str, delivery_id: str) -> bool:
        """Make it due now, whatever became of it. False: the job has no such delivery."""
        return bool(self._wire.script(Script.REDELIVER, JobKeys.of(job_id).for_scripts(), [delivery_id]))

    def now(self) -> float:
        """The time by Redis' clock."""
        seconds, microseconds = self._wire.command("TIME")
        return int(seconds) + int(microseconds) / 1e6


def _attempt(text: bytes) -> DeliveryAttempt:
    data: dict[str, Any] = json.loads(text)
    return DeliveryAttempt(**data)
