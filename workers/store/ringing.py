"""Which jobs the workers are told of, and that none is forgotten."""

from __future__ import annotations

from proxy import numerics
from workers import keys
from workers.keys import JobKeys
from workers.store import codec
from workers.store.job_part import JobPart
from workers.store.scripts import Script


class Ringing(JobPart):
    """The doorbell, rung for what our records say is to be done."""

    def ring(self, job_id: str) -> None:
        """Put the job into the queue if it has open items and is not there already: at the back, if it is urgent at
        the front.

        Two workers may both find it missing, and both ring: harmless, and made good by the next to ring.
        """
        open_items: int = self._wire.command("ZCARD", JobKeys.of(job_id).open)
        if open_items and job_id not in self._rung():
            self._ring(job_id)

    def is_alone(self, job_id: str) -> bool:
        """Whether no other job is rung in this release's queue."""
        return self._rung() <= {job_id}

    def unrung(self) -> list[str]:
        """Ids of the jobs that have something to do, nobody at it, and no ring in the queue; oldest first.

        Of those alone that this release can score: others are rung by others, in their own queue.
        """
        waiting = [job_id for job_id, needs in self._waiting() if needs <= numerics.SERVES]
        rung = self._rung() if waiting else set()
        return [job_id for job_id in waiting if job_id not in rung]

    def ring_forgotten(self, worker_id: str) -> list[str] | None:
        """Ring every unrung job, if it is this worker's turn: one every `RECONCILE_S` for all workers of a release.

        Returns the ids of the jobs; None if it is not this worker's turn.
        """
        milliseconds = int(keys.RECONCILE_S * 1000)
        if self._wire.command("SET", keys.reconciling(numerics.REVISION), worker_id, "NX", "PX", milliseconds) is None:
            return None
        forgotten = self.unrung()
        for job_id in forgotten:
            self._ring(job_id)
        return forgotten

    def _waiting(self) -> list[tuple[str, frozenset[str]]]:
        """The jobs that have something to do and nobody at it, and their needs; oldest first."""
        found: list[bytes] = self._wire.script(Script.WAITING, [keys.UNFINISHED], [JobKeys.of("").job])
        ids = (job_id.decode() for job_id in found[0::2])
        return list(zip(ids, map(codec.tags_from_text, found[1::2]), strict=True))

    def _ring(self, job_id: str) -> None:
        priority: bytes | None = self._wire.command("HGET", JobKeys.of(job_id).job, "priority")
        with self._wire.translated():
            self._doorbell.ring(job_id, at_front=priority == b"urgent")

    def _rung(self) -> set[str]:
        with self._wire.translated():
            return self._doorbell.rung()
