"""Every Redis key of ours and every lifetime, in one place. RQ's own keys start with `rq:`.

All keys but the first two carry the schema version, so that two releases with different records never read each
other's. (API keys hold across releases: without any, a service is open.) J is a job's id, W a worker's, D a batch's
digest, A a score's address, T a staging token, R a numerics revision (`proxy.numerics`); times are seconds by Redis'
own clock; N counts from 0.

    key                        type    holds                                              lives
    croze:schema               string  the schema version that this server holds          for ever
    croze:api_keys             hash    id -> ApiKey as JSON, revoked ones too             for ever
    croze:1:job:J              hash    id, spec, needs, status, total, scored, failed,    until J ended + retention
                                       canceled, created_at, started_at, finished_at, expires_at,
                                       owner, priority, computed, seconds, booked, result_bytes
    croze:1:job:J:items        list    ItemSpec as JSON, by index                         as croze:1:job:J
    croze:1:job:J:outcomes     hash    index -> ItemOutcome as JSON, written once         as croze:1:job:J
    croze:1:job:J:finished     list    indexes in the order in which they ended           as croze:1:job:J
    croze:1:job:J:times        hash    index -> first claimed, ended                      as croze:1:job:J
    croze:1:job:J:open         zset    indexes that nobody works on, by index             until J ended
    croze:1:job:J:leases       zset    indexes that somebody works on, by lease's end     until J ended
    croze:1:job:J:holders      hash    index -> W; "" if it waits for another job's item  until J ended
    croze:1:job:J:attempts     hash    index -> how often it was leased                   until J ended
    croze:1:job:J:deaths       hash    index -> how many engines died over it             until J ended
    croze:1:job:J:expiries     hash    index -> how many leases on it ran out             until J ended
    croze:1:job:J:delivery     hash    id, type, state, failures, holder of its webhook's   as croze:1:job:J
                                       delivery
    croze:1:job:J:tries        list    DeliveryAttempt as JSON                            as croze:1:job:J
    croze:1:job:J:ranks:N      zset    index -> goodness (`proxy.ranking`) by the N-th       as croze:1:job:J
                                       proxy of its aggregate, of items that have all
    croze:1:job:J:against      string  what they are ranked against, if that was an       as croze:1:job:J
                                       earlier job (`workers.aggregates.pack`)
    croze:1:deliveries         zset    J of every delivery to be made, by when it is due  for ever
    croze:1:gone:J             string  how J went: "expired" or "deleted", and its owner   TOMBSTONE_S after J
    croze:1:figures            hash    counters and histograms for the metrics            for ever
    croze:1:open_items         hash    owner -> items of its jobs that have not ended;    for ever
                                       "" -> the same of all jobs;
                                       ":bytes" -> what their results will take
    croze:1:rate:KIND:OWNER    string  when the allowance for that will be whole again    until then
    croze:1:unfinished         zset    J of every job that has not ended, by created_at   for ever
    croze:1:jobs               zset    J of every job, by created_at                      for ever
    croze:1:jobs:OWNER         zset    the same of one owner                              for ever
    croze:1:cost               string  seconds that an item takes, of late                for ever
    croze:1:staged:T:*         as J's  items, outcomes, finished, open, ranks:N, against  STAGING_S
                                       of a job to be
    croze:1:score:A            string  Score as JSON                                      score_ttl after last use,
                                                                                          less where memory is scarce
    croze:1:scores             set     keys of the scores, ended ones for a while too     for ever
    croze:1:reserved:A         string  W, which computes that score                       LEASE_S after last renewal
    croze:1:batch:D            hash    content, and name, size, ... for the listing       batch_ttl after last use
    croze:1:batches            set     D of every uploaded batch                          for ever
    croze:1:worker:W           string  WorkerRecord as JSON                               WORKER_S after last beat
    croze:1:workers            zset    W, by last beat                                    for ever
    croze:1:environments       zset    Environment as JSON, by last beat                  for ever
    croze:1:releases           zset    tags of what a release can score, by the last      for ever
                                       beat of a worker of it
    croze:1:unserved           zset    J of every job that no release alive can score,    NOTICED_S after last turn
                                       by when that was noticed
    croze:1:reconciling:R      string  W whose turn it is to ring forgotten jobs          RECONCILE_S
    croze:1:retiring           string  W whose turn it is to look for unserved jobs       RETIRE_S
    croze:1:trimming           string  W whose turn it is to make room                    TRIM_S
    rq:queue:croze-1-R         list    RQ's queue: ids of rings                           RQ

An item of an unfinished job is in exactly one of `open`, `leases` and `outcomes`. What a job's status and
counts say is derived from them, so that there is nothing to keep in step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.numerics import REVISION

SCHEMA: Final = 1
SCHEMA_KEY: Final = "croze:schema"
API_KEYS: Final = "croze:api_keys"
PREFIX: Final = f"croze:{SCHEMA}:"

FIGURES: Final = f"{PREFIX}figures"
COST: Final = f"{PREFIX}cost"
DELIVERIES: Final = f"{PREFIX}deliveries"
JOBS: Final = f"{PREFIX}jobs"
OPEN_ITEMS: Final = f"{PREFIX}open_items"
#: A field of that: no name has a colon.
OPEN_BYTES: Final = ":bytes"
UNFINISHED: Final = f"{PREFIX}unfinished"
BATCHES: Final = f"{PREFIX}batches"
WORKERS: Final = f"{PREFIX}workers"
ENVIRONMENTS: Final = f"{PREFIX}environments"
RELEASES: Final = f"{PREFIX}releases"
UNSERVED: Final = f"{PREFIX}unserved"
RETIRING: Final = f"{PREFIX}retiring"
SCORES: Final = f"{PREFIX}scores"
TRIMMING: Final = f"{PREFIX}trimming"

#: A lease outlives three missed heartbeats, and with one turn of the reconciler stays under the promised 10 s.
LEASE_S: Final = 8.0
HEARTBEAT_S: Final = 2.0
RECONCILE_S: Final = 2.0
#: Whether a release is gone need not be known at once.
RETIRE_S: Final = 10.0
#: How often room is made, if need be.
TRIM_S: Final = 5.0
#: Several turns. Where there was none for so long, no worker lived, and that time does not count against a job.
NOTICED_S: Final = 60.0
#: Longer than an attempt to deliver a webhook may take: who has not reported by then is dead.
DELIVERY_LEASE_S: Final = 30.0
#: How soon an item is looked at again whose score another worker computes for another job.
DEFER_S: Final = 1.0
#: A worker is listed until it missed four heartbeats.
WORKER_S: Final = 10.0
#: Staging 20,000 items takes about a second; whoever needs longer than this between two chunks is dead.
STAGING_S: Final = 60.0
#: Environments worth looking scores up for: a fleet rarely has more than two.
ENVIRONMENTS_KEPT: Final = 16

_DAY_S: Final = 86_400
RETENTION_S: Final = 7 * _DAY_S
#: How long a job that is gone answers that it has been. No worker is away for longer.
TOMBSTONE_S: Final = 7 * _DAY_S
SCORE_TTL_S: Final = 30 * _DAY_S
#: Longer than any queue should be: a batch is needed until the last item of the last job that names it.
BATCH_TTL_S: Final = 30 * _DAY_S
#: Longer than it takes to roll a release out, or back.
UNSERVED_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class JobKeys:
    """The keys of one job."""

    job: str
    items: str
    open: str
    leases: str
    holders: str
    attempts: str
    deaths: str
    expiries: str
    outcomes: str
    finished: str
    times: str
    delivery: str
    tries: str
    ranks: str
    """How the keys of its sets of ranks begin."""
    against: str
    gone: str

    @classmethod
    def of(cls, job_id: str) -> JobKeys:
        job = f"{PREFIX}job:{job_id}"
        parts = (
            "items",
            "open",
            "leases",
            "holders",
            "attempts",
            "deaths",
            "expiries",
            "outcomes",
            "finished",
            "times",
            "delivery",
            "tries",
            "ranks",
            "against",
        )
        return cls(job=job, gone=f"{PREFIX}gone:{job_id}", **{part: f"{job}:{part}" for part in parts})

    def for_scripts(self) -> list[str]:
        """In the order in which `store/_figures.lua` and `store/_job.lua` unpack them."""
        return [
            FIGURES,
            self.job,
            self.items,
            self.open,
            self.leases,
            self.holders,
            self.attempts,
            self.deaths,
            self.expiries,
            self.outcomes,
            self.finished,
            self.times,
            self.gone,
            UNFINISHED,
            OPEN_ITEMS,
            self.delivery,
            self.tries,
            DELIVERIES,
            self.ranks,
            self.against,
        ]

    def ranks_by(self, number: int) -> str:
        """The set of ranks by that proxy of its aggregate, counted from 0."""
        return f"{self.ranks}:{number}"


@dataclass(frozen=True, slots=True)
class StagedKeys:
    """The keys that a job's items wait under until the job is created."""

    items: str
    open: str
    outcomes: str
    finished: str
    ranks: str
    """How the keys of its sets of ranks begin."""
    against: str

    @classmethod
    def of(cls, token: str) -> StagedKeys:
        parts = ("items", "open", "outcomes", "finished", "ranks", "against")
        return cls(*(f"{PREFIX}staged:{token}:{part}" for part in parts))

    def for_scripts(self) -> list[str]:
        """In the order in which `store/create.lua` unpacks them."""
        return [self.items, self.open, self.outcomes, self.finished, self.ranks, self.against]

    def ranks_by(self, number: int) -> str:
        """The set of ranks by that proxy of the job's aggregate, counted from 0."""
        return f"{self.ranks}:{number}"


def queue(revision: str) -> str:
    """RQ's name of the queue of a release's workers: a ring is for those that can read the job, and score it alike."""
    return f"croze-{SCHEMA}-{revision}"


def reconciling(revision: str) -> str:
    """Each release rings its own queue, so each has turns of its own."""
    return f"{PREFIX}reconciling:{revision}"


#: The one that workers of this release listen to.
QUEUE: Final = queue(REVISION)


def score(address: str) -> str:
    return f"{PREFIX}score:{address}"


def reservation(address: str) -> str:
    return f"{PREFIX}reserved:{address}"


def batch(digest: str) -> str:
    return f"{PREFIX}batch:{digest}"


def worker(worker_id: str) -> str:
    return f"{PREFIX}worker:{worker_id}"


def jobs(owner: str | None) -> str:
    """The index of the jobs of one owner, or of all."""
    return JOBS if owner is None else f"{JOBS}:{owner}"


def rate(kind: str, owner: str) -> str:
    return f"{PREFIX}rate:{kind}:{owner}"
