"""Jobs: what was asked, who is at it, and how it ended. The truth that RQ's rings only point to.

    submitting.py   how a job comes to be
    reading.py      what is to be seen of it
    listing.py      what is to be seen of all of them
    working.py      what workers do to it
    ringing.py      which jobs workers are told of
    retiring.py     what becomes of it when the workers of its release are gone
    ranking.py      how its items compare, if it has an aggregate
    jobs.py         how it is ended from outside

Each part is one concern; `Jobs` is all of them.
"""

from __future__ import annotations

from workers.keys import JobKeys
from workers.records import Job
from workers.store.listing import Listing, indexes
from workers.store.ranking import Ranking
from workers.store.retiring import Retiring
from workers.store.scripts import Script
from workers.store.submitting import Submitting
from workers.store.working import Working


class Jobs(Submitting, Listing, Working, Retiring, Ranking):
    """Every method is one step for all other clients, and raises only `StoreError`s."""

    def cancel(self, job_id: str) -> Job | None:
        """End the job now; what is done stays. The job as it is then; None if there is none.

        A job that has ended stays as it is.
        """
        self._wire.script(Script.CANCEL, JobKeys.of(job_id).for_scripts(), [self._settings.job_retention])
        return self.get(job_id)

    def delete(self, job_id: str) -> bool:
        """Cancel the job if it has not ended, and forget it, but for a tombstone. False: there is none."""
        job = self.get(job_id)
        if job is None:
            return False
        names = JobKeys.of(job_id).for_scripts()
        self._wire.transaction(
            self._wire.script_command(Script.CANCEL, names, [self._settings.job_retention]),
            self._wire.script_command(Script.DELETE, [*names, *indexes(job.spec.owner)], []),
        )
        return True
