"""Jobs that no release alive can score. docs/many-machines.md tells when that happens."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from proxy import numerics
from workers import keys
from workers.errors import ReleaseRetired
from workers.keys import JobKeys
from workers.records import ItemOutcome
from workers.store import codec
from workers.store.fleet import Fleet
from workers.store.ringing import Ringing
from workers.store.scripts import Script

#: Items that fail in one step: some 20 ms of the server's time.
_MOST: Final = 1000


class Retiring(Ringing):
    """What becomes of jobs when the workers of their release are gone."""

    def retire(self, worker_id: str, patience: float = keys.UNSERVED_S) -> dict[str, int] | None:
        """Fail what is open of jobs that no release alive can score, and none could for `patience` seconds.

        Each such job, and how many of its items failed now; 0 for one that was noticed just now. None if it is not
        this worker's turn: one turn every `RETIRE_S` for all workers. While no worker is alive, jobs wait.
        """
        if self._wire.command("SET", keys.RETIRING, worker_id, "NX", "PX", int(keys.RETIRE_S * 1000)) is None:
            return None
        alive = Fleet(self._wire).releases()
        if not alive:
            return {}
        with self._wire.translated():
            self._doorbell.sweep({keys.queue(numerics.revision(tags)) for tags in alive})
        waiting = dict(self._waiting())
        unserved = {job_id: needs for job_id, needs in waiting.items() if not any(needs <= tags for tags in alive)}
        self._forget_served(unserved)
        ended = {job_id: self._fail_open(job_id, needs, alive, patience) for job_id, needs in unserved.items()}
        return {job_id: failed for job_id, failed in ended.items() if failed is not None}

    def _forget_served(self, unserved: Collection[str]) -> None:
        """Jobs that ended, or found a worker after all: their time begins anew should they lose it again."""
        noticed: list[bytes] = self._wire.command("ZRANGE", keys.UNSERVED, 0, -1)
        served = [job_id for job_id in noticed if job_id.decode() not in unserved]
        if served:
            self._wire.command("ZREM", keys.UNSERVED, *served)

    def _fail_open(
        self, job_id: str, needs: frozenset[str], alive: Collection[frozenset[str]], patience: float
    ) -> int | None:
        """How many items failed; 0 if the job was noticed just now, None if it was before, and may wait still."""
        outcome = codec.outcome_to_json(_retired(needs, alive, patience))
        failed = 0
        while True:
            count: int | None = self._wire.script(
                Script.RETIRE,
                [*JobKeys.of(job_id).for_scripts(), keys.UNSERVED],
                [patience, _MOST, outcome, ReleaseRetired.code, self._settings.job_retention, keys.NOTICED_S],
            )
            if count is None:
                return 0
            failed += count
            if count < _MOST:
                return failed or None


def _retired(needs: frozenset[str], alive: Collection[frozenset[str]], patience: float) -> ItemOutcome:
    lacking = sorted(needs - frozenset().union(*alive)) or sorted(needs)
    message = (
        f"this job was accepted by a release that no worker runs any more: for {patience:g} s none that is alive had "
        f"{', '.join(lacking)}; retry the job (POST /v1/jobs/{{id}}/retry) to have it scored by the present release"
    )
    return ItemOutcome(status="failed", scores={}, error={"code": ReleaseRetired.code, "message": message})
