"""The doorbell: an RQ job that says "work on job J" and nothing more. Our records say what there is to do.

A ring may be lost, late or superfluous without harm: the reconciler rings again, and a worker that finds nothing
to do does nothing. RQ's job is therefore as small as possible, and anything else in the queue is not touched.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection
from typing import Any, Final

import redis
from redis.client import Pipeline
from rq import Queue
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from proxy.errors import shown
from workers import keys

#: Producers name the task instead of importing it; consumers run this one and no other.
TASK: Final = "workers.tasks.work_on_job"

#: RQ files a ring that was heard and never answered for as long as this, plus a minute.
RING_TIMEOUT_S: Final = 600
#: A failed ring is of interest to whoever debugs, for an hour.
RING_FAILURE_TTL_S: Final = 3600

#: What RQ would import, call or send by itself on behalf of a job. No ring has any of it.
_FORBIDDEN_FIELDS: Final = frozenset(
    {
        "success_callback_name",
        "failure_callback_name",
        "stopped_callback_name",
        "webhooks",
        "dependency_ids",
        "retries_left",
        "repeats_left",
        "rate_limit_key",
        "group_id",
    }
)

log = logging.getLogger(__name__)


class ForeignJob(NoSuchJobError):
    """Something in our queue or in RQ's registries that is no ring. For RQ it does not exist."""


class Ring(Job):
    """An RQ job that can be nothing but a ring.

    A serializer is no boundary: an RQ job may name any importable function, and callbacks besides, which RQ
    calls even while it tidies up. So the check is made where a job is read from Redis, which is before
    anything that it names is imported, whoever reads it and why.
    """

    def restore(self, raw_data: Any) -> Any:
        super().restore(raw_data)
        reason = self._not_a_ring()
        if reason is not None:
            log.warning("refused RQ job %s: %s", shown(self.id), reason)
            raise ForeignJob(f"RQ job {shown(self.id)} is not a ring: {reason}")

    def _not_a_ring(self) -> str | None:
        forbidden = sorted(field for field, value in self.to_dict().items() if value and field in _FORBIDDEN_FIELDS)
        if forbidden:
            return f"it has {', '.join(forbidden)}"
        try:
            called, bound_to, args, kwargs = self.func_name, self.instance, self.args, self.kwargs
        except DeserializationError:
            return "its data cannot be read"
        if called != TASK or bound_to is not None:
            return f"it calls {shown(called)}, and {TASK} alone is run here"
        if kwargs or len(args) != 1 or not isinstance(args[0], str):
            return f"its arguments are {shown(args)} and {shown(kwargs)}, not one job id"
        return None


class Doorbell:
    """RQ's queue, as far as we use it."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection
        self.queue = Queue(keys.QUEUE, connection=connection, job_class=Ring, serializer=JSONSerializer)

    def ring(self, job_id: str, pipeline: Pipeline | None = None, *, at_front: bool = False) -> None:
        """Put a ring for that job into the queue, by `pipeline` if there is one, which must be in MULTI."""
        self.queue.enqueue_call(
            TASK,
            args=(job_id,),
            # Unique: RQ deletes a job's record when it ends, and would take a later ring of that id with it.
            job_id=f"{job_id}-{secrets.token_hex(4)}",
            description=TASK,
            timeout=RING_TIMEOUT_S,
            result_ttl=0,
            failure_ttl=RING_FAILURE_TTL_S,
            pipeline=pipeline,
            at_front=at_front,
        )

    def sweep(self, kept: Collection[str]) -> None:
        """Forget the queues of other releases, but for those `kept`: nobody hears what is rung there.

        A release that comes back rings its jobs anew.
        """
        for queue in Queue.all(self._connection, job_class=Ring, serializer=JSONSerializer):
            if queue.name.startswith(keys.queue("")) and queue.name not in {*kept, keys.QUEUE}:
                queue.delete()

    def rung(self) -> set[str]:
        """Ids of the jobs that have a ring in the queue."""
        return {ring_id.rpartition("-")[0] for ring_id in self.queue.get_job_ids()}
