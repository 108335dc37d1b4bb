"""What a worker computes at this moment, so that nobody else computes it too: jobs may need the same scores.

A reservation is a lease on a score's address. It decides nothing but who computes: each job owns its items, and what
becomes of one job is nothing to another. Without it the same score would be computed twice, which is all that can
happen when Redis is away.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from proxy.json_types import JsonObject
from workers.errors import StoreError
from workers.store import Store

log = logging.getLogger(__name__)


class Reservations:
    """The reservations in hand, shared by the thread that works and the one that beats."""

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store = store
        self._worker_id = worker_id
        self._held: list[str] = []
        # Held during the commands too: a renewal on its way must not meet what was just freed.
        self._lock = threading.Lock()

    @contextmanager
    def until_recorded(self) -> Iterator[None]:
        """What is reserved while the block runs is free after it."""
        try:
            yield
        finally:
            self.free()

    def reserve(self, addresses: Sequence[str], cheap: Sequence[str]) -> list[JsonObject | None] | None:
        """`Scores.reserve`, for as long as the block lasts."""
        with self._lock:
            # Before it is known what becomes of it: the answer may be lost.
            self._held = [*addresses]
            return self._store.scores.reserve(self._worker_id, addresses, cheap)

    @property
    def held(self) -> list[str]:
        """Addresses of what is reserved now."""
        with self._lock:
            return [*self._held]

    def ended(self) -> None:
        """They have ended together with what was recorded."""
        with self._lock:
            self._held = []

    def renew(self) -> None:
        """Have them last longer."""
        with self._lock:
            if self._held:
                self._store.scores.renew(self._worker_id, self._held)

    def free(self) -> None:
        """Leave to others what is reserved."""
        with self._lock:
            held, self._held = self._held, []
            if not held:
                return
            try:
                self._store.scores.free(self._worker_id, held)
            except StoreError as error:
                log.warning("%d scores stay reserved until their leases end: %s", len(held), error.message)
