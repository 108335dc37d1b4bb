"""Nothing is forgotten: jobs that have work to do and no ring in the queue are rung.

One mechanism for every way to lose a ring: a kill between accepting a job and ringing, a worker killed with a ring
or with leases in its hands, and Redis losing queue entries.
"""

from __future__ import annotations

import logging

from workers.store import Store

log = logging.getLogger(__name__)


class Reconciler:
    """Called by every worker's heartbeat; one of them has a turn every `keys.RECONCILE_S`."""

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store = store
        self._worker_id = worker_id

    def turn(self) -> None:
        """Ring what was forgotten, if it is this worker's turn.

        A ring that a worker has just taken, and whose items it has not claimed yet, looks forgotten too. The
        second ring is harmless, and rare.
        """
        for job_id in self._store.jobs.ring_forgotten(self._worker_id) or ():
            log.info("job %s had work to do and no ring in the queue: rung", job_id)
