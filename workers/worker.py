"""RQ's worker, cut down to what is needed of it: hear a ring, call the one task.

Pinned to RQ 3.0 (docs/decisions): minors of RQ break subclasses. Only public names are overridden.

- One queue: RQ moves a ring to its "intermediate" list in one step only when it listens to exactly one.
- No fork: the work is done by the engine's process, which outlives rings.
- `Ring` as job class: foreign jobs do not exist for it (workers/enqueue.py).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from workers import keys
from workers.drain import Drain
from workers.enqueue import Ring
from workers.errors import WorkerError

#: Seconds without a ring after which a look is taken at what must be fit when one comes.
_IDLE_S: Final = 2
#: RQ waits for a ring for 15 s less than this, then says it is alive and waits again.
_WORKER_TTL_S: Final = 20

log = logging.getLogger(__name__)


class NoAlarm(BaseDeathPenalty):
    """No SIGALRM: it cannot interrupt native code, and an engine's time limit is enforced by killing it."""

    def setup_death_penalty(self) -> None:
        pass

    def cancel_death_penalty(self) -> None:
        pass


class ScoringWorker(SimpleWorker):
    """Listens until it is told to drain, or Redis goes away: then `work` returns, or raises the driver's error."""

    death_penalty_class = NoAlarm
    #: Seconds between two looks for a Redis that is away; RQ's own waits grow to a minute.
    max_connection_wait_time = 2.0

    def __init__(
        self, connection: redis.Redis, worker_id: str, drain: Drain, when_idle: Callable[[], None] = lambda: None
    ) -> None:
        """`when_idle` is called every two seconds or so, by the thread that works, while there is nothing to do."""
        super().__init__(
            [keys.QUEUE],
            # RQ refuses a name that it has not seen leave, which it has not if Redis was away then.
            name=f"{worker_id}-{secrets.token_hex(2)}",
            connection=connection,
            job_class=Ring,
            serializer=JSONSerializer,
            worker_ttl=_WORKER_TTL_S,
            default_result_ttl=0,
            log_job_description=False,
        )
        self._drain = drain
        self._when_idle = when_idle

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """RQ's own would send commands to Redis from inside the signal handler."""
        self._drain.on_signal(signum, frame)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Waiting for a ring. One that is taken and dropped here is rung again by the reconciler."""
        while True:
            with self._drain.interruptible():
                heard = super().dequeue_job_and_maintain_ttl(timeout, _IDLE_S)
            if heard is not None or timeout is None:  # None: no waiting, as with `work(burst=True)`
                return heard
            self._when_idle()

    def check_for_suspension(self, burst: bool) -> None:
        """`rq suspend` holds a worker here until `rq resume`."""
        with self._drain.interruptible():
            super().check_for_suspension(burst)

    def execute_job(self, job: Job, queue: Queue) -> None:
        super().execute_job(job, queue)
        if self._drain.requested:
            raise StopRequested

    def subscribe(self) -> None:
        """No commands over pub/sub: anybody could send them, and the thread would outlive a lost connection."""

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """One line for what is expected to go wrong, such as Redis being away; a traceback for the rest."""
        kind, error, _ = exc_info
        expected = issubclass(kind, WorkerError)
        log.error("ring %s ended with %s: %s", job.id, kind.__name__, error, exc_info=None if expected else exc_info)
