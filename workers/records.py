"""The records that Redis keeps, as frozen data. JSON in, JSON out; nothing here talks to Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from proxy.json_types import JsonObject
from proxy.proxies import get_proxy
from proxy.spaces._base import ImageShape
from proxy.task import Environment, ScoringTask
from workers.aggregates import AggregateSpec
from workers.webhooks import Webhook

JobStatus: TypeAlias = Literal["queued", "running", "completed", "canceled"]
Priority: TypeAlias = Literal["normal", "urgent"]
#: Which architectures of a job share one score: those that are the same, or all that are equal as functions.
Dedupe: TypeAlias = Literal["identical", "isomorphic"]
ItemStatus: TypeAlias = Literal["queued", "running", "scored", "failed", "canceled"]
Role: TypeAlias = Literal["read", "user", "admin"]
WorkerState: TypeAlias = Literal["starting", "idle", "busy", "sick", "draining"]

TERMINAL_JOB: frozenset[JobStatus] = frozenset({"completed", "canceled"})
TERMINAL_ITEM: frozenset[ItemStatus] = frozenset({"scored", "failed", "canceled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSpec:
    """One architecture of a job, as accepted."""

    index: int
    """Position in the request, from 0."""
    id: str | None = None
    """The client's own name for it."""
    architecture: str
    """Canonical form of what is scored. Empty if what was sent is no architecture: such an item is failed from the
    start."""
    sent: str | None = None
    """Canonical form of what was sent, if an isomorphic architecture is scored in its place."""
    representative: int | None = None
    """Index of the item whose architecture is scored for all of its class, be it this one; None if the job scores each
    item for itself, or if that item is of the job that this one retries."""
    format: str
    """The format it was sent in."""
    params: int
    macs: int
    facts: JsonObject
    """What the space knows of what was sent, as params and macs are; has `connected`, unless it is no architecture."""
    retried: int | None = None
    """Its index in the job that this one retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What a job asks for: the same for all its items."""

    id: str
    space: str
    settings: Mapping[str, int]
    """Complete, as `Space.complete_settings` returns them."""
    proxies: tuple[str, ...]
    seed: int
    """The first, if there are several."""
    batch: str
    """Digest."""
    batch_name: str
    """The name it was asked for by."""
    precision: str
    seeds: tuple[int, ...] = ()
    """All of them, if there are several."""
    layers: bool = False
    dedupe: Dedupe = "identical"
    aggregate: AggregateSpec | None = None
    metadata: JsonObject = field(default_factory=dict)
    owner: str | None = None
    """Name of the API key that submitted it; None if that took no key."""
    name: str | None = None
    """The id that its owner has given it; None if it has only ours."""
    fingerprint: str = ""
    """Digest of the request that made it: the same again is the same job."""
    priority: Priority = "normal"
    retry_of: str | None = None
    """Id of the job whose failed items it scores again."""
    request_id: str | None = None
    """Of the request that submitted it: on every line that is logged about the job."""
    webhook: Webhook | None = None
    """Whom to tell of its end."""
    traceparent: str | None = None
    """Where its work belongs in a trace, after W3C Trace Context."""

    @property
    def features(self) -> tuple[str, ...]:
        """Which of `proxy.numerics.FEATURES` it asks for."""
        return (*(("seeds",) if self.seeds else ()), *(("aggregate",) if self.aggregate else ()))

    def task(self, architecture: str) -> ScoringTask:
        """What the job asks for one architecture, given in canonical form, with its first seed."""
        return ScoringTask(
            space=self.space,
            architecture=architecture,
            settings=self.settings,
            proxies=self.proxies,
            batch=self.batch,
            seed=self.seed,
            precision=self.precision,
            layers=self.layers,
        )

    def tasks(self, architecture: str) -> list[ScoringTask]:
        """The same for each seed. What does not depend on the seed is asked for with the first alone."""
        first = self.task(architecture)
        seeded = tuple(name for name in self.proxies if get_proxy(name).needs_batch)
        others = self.seeds[1:] if seeded else ()
        return [first, *(replace(first, proxies=seeded, seed=seed) for seed in others)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOutcome:
    """How an item ended. Written once, never changed."""

    status: Literal["scored", "failed"]
    """"scored" if every proxy of the job has a value."""
    scores: Mapping[str, JsonObject]
    """Proxy name -> `proxy.task.Score` as JSON. Empty if the item failed before any proxy ran."""
    error: Mapping[str, str] | None = None
    """{"code", "message"} of a failure that concerns the item as a whole (an engine's death, a timeout)."""
    faults: tuple[Mapping[str, str], ...] = ()
    """{"at", "problem", "repair"} of each fault, if what was sent is no architecture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item now."""

    spec: ItemSpec
    status: ItemStatus
    outcome: ItemOutcome | None = None
    started_at: float | None = None
    """When it was first claimed, by Redis' clock; None if it was not."""
    finished_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items of a job are in each state. They add up to `total`."""

    total: int
    queued: int
    running: int
    scored: int
    failed: int
    canceled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job now. Times are seconds since the epoch by Redis' clock."""

    spec: JobSpec
    status: JobStatus
    counts: Counts
    needs: frozenset[str] = frozenset()
    """What a release must have to score it (`proxy.numerics`)."""
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    expires_at: float | None = None
    """None while the job is unfinished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What stays of a job that is gone."""

    how: Literal["expired", "deleted"]
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLoad:
    """What an unfinished job still asks of the workers."""

    id: str
    priority: Priority
    left: int
    """Items that have not ended."""
    open: int
    """Those of them that nobody works on."""
    computed: int
    """Items computed so far."""
    seconds: float
    """What that took, by the engines' account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """All that is still to be done, and by how many."""

    workers: int
    """Those alive."""
    cost: float | None
    """Seconds that an item takes, of late, whatever its job; None if none was ever computed."""
    releases: tuple[frozenset[str], ...]
    """What the releases can score (`proxy.numerics`) that have a worker alive."""
    jobs: tuple[JobLoad, ...]
    """The unfinished ones, oldest first; none if there are too many to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One item that a worker holds a lease on."""

    item: ItemSpec
    attempt: int
    """1 for the first time the item was leased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """What a worker said of itself at its last heartbeat."""

    id: str
    host: str
    pid: int
    engine_pid: int | None
    """None while no engine process runs."""
    environment: Environment | None
    """None until the first engine was ready."""
    state: WorkerState
    job: str | None
    """Id of the job it works on."""
    started_at: float
    """By Redis' clock."""
    scored: int
    """Items it has scored since its start."""
    engine_restarts: int = 0
    """Engines it has started, but for the first."""
    numerics: str = ""
    """The numerics revision of its release (`proxy.numerics`); "" if that had none."""
    engine_memory: int | None = None
    """Bytes that the engine's process holds; None while none runs, or where the system does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorker:
    """A worker that is alive, as Redis has seen it."""

    record: WorkerRecord
    beat_at: float
    """When it last said so, by Redis' clock."""
    beat_age: float
    """Seconds since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """Something that lets a client in, without its secret."""

    id: str
    name: str
    """Whose it is. Several keys may have one name: they see the same jobs, and share quotas and rates."""
    role: Role
    digest: str
    """SHA-256 of the secret, in hexadecimal."""
    created_at: float
    """By Redis' clock."""
    revoked_at: float | None = None
    """None while it is valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What is left of an allowance per minute."""

    kind: str
    """What is counted: "requests" or "items"."""
    per_minute: int
    left: int
    """How many could be had at once now."""
    whole_in: float
    """Seconds until all of it could be had at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a submission must stay under."""

    open_items: int
    """Items that have not ended, of all jobs."""
    open_items_per_name: int
    """The same, of the jobs of one owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch that Redis keeps, without its images."""

    name: str
    digest: str
    size: int
    classes: int
    image: ImageShape
    owner: str | None = None
    """Name of the API key that uploaded it first; None if that took no key."""
    expires_at: float
    """By Redis' clock, unless it is used before."""
