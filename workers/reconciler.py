"""Nothing is forgotten: jobs that have work to do and no ring in the queue are rung.

One mechanism for every way to lose a ring: a kill between accepting a job and ringing, a worker killed with a ring
or with leases in its hands, Redis losing queue entries, and a release that is replaced by another. With it comes what
else has to be done now and then, by whichever worker lives.
"""

from __future__ import annotations

import logging

from workers import keys
from workers.store import Store

log = logging.getLogger(__name__)


class Reconciler:
    """Called by every worker's heartbeat; one of them has a turn every `keys.RECONCILE_S`."""

    def __init__(self, store: Store, worker_id: str, patience: float = keys.UNSERVED_S) -> None:
        """`patience` is in seconds: how long what no worker alive can score may wait for one that can."""
        self._store = store
        self._worker_id = worker_id
        self._patience = patience

    def turn(self) -> None:
        """Ring what was forgotten, end what nobody can do any more, and make room where memory is scarce, if it is this
        worker's turn.

        A ring that a worker has just taken, and whose items it has not claimed yet, looks forgotten too. The
        second ring is harmless, and rare.
        """
        for job_id in self._store.jobs.ring_forgotten(self._worker_id) or ():
            log.info("job %s had work to do and no ring in the queue: rung", job_id)
        for job_id, failed in (self._store.jobs.retire(self._worker_id, self._patience) or {}).items():
            if failed:
                log.warning("job %s: %d items failed, for no worker is left that can score them", job_id, failed)
            else:
                log.warning("job %s: no worker is alive that can score it; in %g s it fails", job_id, self._patience)
        forgotten = self._store.scores.trim(self._worker_id)
        if forgotten:
            log.info("%d scores were forgotten, for Redis' memory is scarce", forgotten)
