"""How long items take, as this worker has seen it: what decides how many it claims at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from workers.records import JobSpec

#: Weight of the newest item: the last five or so decide.
_WEIGHT: Final = 0.3
#: Even if items cost nothing: a chunk's leases are renewed, and given back, in one command.
_LARGEST_CHUNK: Final = 100
_KINDS_KEPT: Final = 256


class Costs:
    """Exponential averages of seconds per item, one for each kind of work."""

    def __init__(self, chunk_seconds: float) -> None:
        self._chunk_seconds = chunk_seconds
        self._seconds: OrderedDict[Hashable, float] = OrderedDict()

    def chunk(self, job: JobSpec) -> int:
        """How many items of the job make a chunk. One, as long as nothing is known of their cost."""
        seconds = self._seconds.get(_kind(job))
        if seconds is None:
            return 1
        return int(min(max(1.0, self._chunk_seconds / max(seconds, 1e-6)), _LARGEST_CHUNK))

    def learn(self, job: JobSpec, seconds: float) -> None:
        """An item of the job took this long."""
        kind = _kind(job)
        before = self._seconds.pop(kind, seconds)
        self._seconds[kind] = before + _WEIGHT * (seconds - before)
        if len(self._seconds) > _KINDS_KEPT:
            self._seconds.popitem(last=False)


def _kind(job: JobSpec) -> Hashable:
    return (
        job.space,
        tuple(sorted(job.settings.items())),
        job.proxies,
        job.seeds,
        job.batch,
        job.precision,
        job.layers,
    )
