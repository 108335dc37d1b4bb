"""What the metrics show of Redis, as frozen data. `workers.store.figures` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workers.records import SeenWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Numbers of seconds, counted."""

    buckets: tuple[tuple[str, int], ...]
    """(upper bound in seconds, how many were at most that); the last bound is "inf"."""
    sum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the metrics show of Redis, at one moment. What was done is counted since Redis was empty."""

    jobs_queued: int
    jobs_running: int
    items_open: int
    """Items that nobody works on."""
    items_leased: int
    items_unserved: int
    """Those of the open ones that no worker alive can score: none lives, or only those of other releases."""
    oldest_open_seconds: float
    """Age of the oldest job that has an open item; 0 if there is none."""
    jobs: Mapping[str, int]
    """created, completed, canceled -> how many."""
    items: Mapping[tuple[str, str], int]
    """(outcome, code of the failure or "") -> how many."""
    scores: Mapping[str, int]
    """cache, computed -> how many."""
    deliveries_waiting: int
    """Webhook deliveries to be made."""
    deliveries: Mapping[str, int]
    """delivered, failed (attempts that are made again), given_up -> how many."""
    engine_deaths: int
    """Engines that died over an item."""
    lease_expiries: int
    """Leases that ran out: of workers that died or could not reach Redis."""
    queue: Histogram
    """From a job's creation to the first claim of an item."""
    compute: Histogram
    """Of an item's scores that were computed, by the engine's account."""
    workers: tuple[SeenWorker, ...]
    """Those alive, by id."""
