"""What a worker holds: renewed by its heartbeat for as long as it lives, given back when it stops."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from workers.errors import StoreError
from workers.store import Store

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lease:
    """Items of one job that this worker has claimed and not finished."""

    job_id: str
    indexes: set[int]
    deferred: int = 0
    """How many of the claimed items were put aside."""
    wanted: bool = True
    """False once the job is known to be gone or to have ended."""


class Leases:
    """The lease in hand, shared by the thread that works and the one that beats."""

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store = store
        self._worker_id = worker_id
        self._held: Lease | None = None
        # Held during the commands too: a renewal on its way must not take back what was just released.
        self._lock = threading.Lock()

    @property
    def job_id(self) -> str | None:
        """The job that is worked on."""
        held = self._held
        return None if held is None else held.job_id

    @contextmanager
    def holding(self, job_id: str, indexes: Sequence[int]) -> Iterator[Lease]:
        """Keep these items leased while the block runs; then give back what it did not finish, and ring."""
        assert self._held is None, "one job at a time"
        lease = self._held = Lease(job_id, set(indexes))
        try:
            yield lease
        finally:
            with self._lock:
                self._held = None
            self._end(lease)

    def finished(self, lease: Lease, index: int) -> None:
        """This item has ended: there is nothing to renew or to give back any more."""
        with self._lock:
            lease.indexes.discard(index)

    def defer(self, lease: Lease, indexes: Sequence[int]) -> None:
        """Put these items aside: other workers compute what they need."""
        with self._lock:
            self._store.jobs.defer(lease.job_id, self._worker_id, indexes)
            lease.indexes.difference_update(indexes)
            lease.deferred += len(indexes)

    def renew(self) -> None:
        """Extend the lease in hand, and learn whether its job still wants it."""
        with self._lock:
            lease = self._held
            if lease is not None and lease.wanted and lease.indexes:
                lease.wanted = self._store.jobs.renew(lease.job_id, self._worker_id, sorted(lease.indexes))

    def check(self) -> None:
        """Learn whether the job still wants its items: cheaper than `renew`, and so more often."""
        lease = self._held
        if lease is not None and lease.wanted:
            lease.wanted = self._store.jobs.is_wanted(lease.job_id)

    def _end(self, lease: Lease) -> None:
        if not lease.indexes or not lease.wanted:
            return
        try:
            if self._store.jobs.release(lease.job_id, self._worker_id, sorted(lease.indexes)):
                self._store.jobs.ring(lease.job_id)
        except StoreError as error:
            log.warning(
                "job %s: %d items are open again only when their leases end: %s",
                lease.job_id,
                len(lease.indexes),
                error.message,
            )
