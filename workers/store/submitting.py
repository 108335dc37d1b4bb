"""How a job comes to be: all of it, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.client import Pipeline

from proxy import numerics
from proxy.aggregates import Row, row_of
from proxy.ranking import sign_of
from workers import keys
from workers.errors import JobExists, JobGone, StoreUnavailable
from workers.keys import JobKeys
from workers.records import ItemOutcome, ItemSpec, Job, JobSpec, Limits
from workers.store import codec, figures
from workers.store.admission import NO_LIMITS, limits_to_json, refusal, result_bytes
from workers.store.listing import indexes
from workers.store.reading import Reading
from workers.store.scripts import Script
from workers.store.staging import stage
from workers.store.wire import Command


class Submitting(Reading):
    """What makes a job."""

    def create(
        self,
        spec: JobSpec,
        items: Sequence[ItemSpec],
        known: Mapping[int, ItemOutcome],
        limits: Limits = NO_LIMITS,
        *,
        against: bytes = b"",
    ) -> Job:
        """Accept a job, all or nothing. `items` are in order of their indexes, which start at 0.

        `known` are outcomes that need no computing. A job that knows them all is born completed. `against` is what an
        aggregate ranks its items against (`workers.aggregates.pack`), if that is an earlier job.

        Raises:
            StoreUnavailable: nothing was accepted, or the answer was lost on its way.
            StoreFull: nothing was accepted: the results might not have had room.
            QueueFull, QuotaExceeded: nothing was accepted: `limits` would have been passed.
            JobExists, JobGone: the id is taken; nothing was accepted.
        """
        assert [item.index for item in items] == list(range(len(items))), "indexes count from 0"
        assert items, "a job has at least one item"
        assert known.keys() <= set(range(len(items))), "an outcome belongs to an item"
        rows = _rows(spec, known)
        staged = stage(self._wire, items, known, rows, against)
        scored = sum(outcome.status == "scored" for outcome in known.values())
        commit = self._wire.script_command(
            Script.CREATE,
            [*JobKeys.of(spec.id).for_scripts(), *staged.for_scripts(), *indexes(spec.owner)],
            [
                spec.id,
                codec.job_to_json(spec),
                spec.owner or "",
                spec.priority,
                len(items),
                scored,
                len(known) - scored,
                self._settings.job_retention,
                limits_to_json(limits, result_bytes(spec, items)),
                _announced(spec),
                codec.tags_to_text(numerics.needs(spec.space, spec.proxies, spec.features)),
                _ranked_by(spec),
                len(rows),
                int(against != b""),
                *figures.of_known(known),
            ],
        )
        batch: Command = ("EXPIRE", keys.batch(spec.batch), int(self._settings.batch_ttl))
        # A ring for a job that the script refused finds nothing, and does nothing.
        ring = None if len(known) == len(items) else self._ring_for(spec)
        created: bytes | list[Any] = self._wire.transaction(commit, batch, also=ring)[0]
        if isinstance(created, list):
            raise refusal(created, spec.owner, len(items) - len(known), limits)
        if created == b"exists":
            raise JobExists(f"job {spec.id!r} exists; give a new job a new id")
        if created == b"gone":
            raise JobGone(f"job {spec.id!r} has been, and is gone; give a new job a new id")
        if created != b"created":
            raise StoreUnavailable(f"storing job {spec.id!r} took too long, nothing was accepted; try again")
        job = self.get(spec.id)
        if job is None:
            raise StoreUnavailable(f"job {spec.id!r} was lost by Redis right after it was accepted; try again")
        return job

    def _ring_for(self, spec: JobSpec) -> Callable[[Pipeline], None]:
        return lambda pipeline: self._doorbell.ring(spec.id, pipeline, at_front=spec.priority == "urgent")


def _rows(spec: JobSpec, known: Mapping[int, ItemOutcome]) -> dict[int, Row]:
    """What the items are ranked by that are known, and have a value by every proxy of the job's aggregate."""
    if spec.aggregate is None:
        return {}
    rows = {index: row_of(spec.aggregate.proxies, outcome.scores) for index, outcome in known.items()}
    return {index: row for index, row in rows.items() if row is not None}


def _ranked_by(spec: JobSpec) -> str:
    """As `_job.lua` reads it."""
    if spec.aggregate is None:
        return ""
    return json.dumps([[proxy, int(sign_of(proxy))] for proxy in spec.aggregate.proxies])


def _announced(spec: JobSpec) -> str:
    """The ends that the job's webhook is told of: words that `_job.lua` looks for its own in."""
    return "" if spec.webhook is None else " ".join(event.removeprefix("job.") for event in spec.webhook.events)
