"""Shapes of jobs, items and scores over HTTP."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from app.answers import View
from app.jobs.aggregate_schemas import AggregateRequest, AggregateView, ItemAggregateView
from app.problems import FaultView
from app.validation import QueryModel, RequestModel
from app.webhooks.schemas import WebhookRequest, WebhookView
from proxy.data.spec import DEFAULT_BATCH
from proxy.precision import DEFAULT_PRECISION
from proxy.proxies import PROXIES
from proxy.spread import MAX_SEEDS
from workers.records import Dedupe, ItemStatus, JobStatus, Priority

#: All of NAS-Bench-201 (15,625) in one request.
MAX_ARCHITECTURES: Final = 20_000
#: A per-layer table is about 20 kB.
MAX_LAYER_ITEMS: Final = 100
MAX_METADATA_BYTES: Final = 16 * 1024
MAX_METADATA_DEPTH: Final = 100
MAX_ID_LENGTH: Final = 200
MAX_SEED: Final = 2**32 - 1
MAX_PAGE: Final = 1000
MAX_WAIT_SECONDS: Final = 60
MAX_JOBS_PAGE: Final = 100


def _is_written_out(value: object) -> object:
    # Else a number would be read as seconds since 1970.
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt]", value):
        raise ValueError
    return value


_Time = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
_Name = Annotated[str, StringConstraints(max_length=200)]


class SubmitRequest(RequestModel):
    """What to score, by what, on what."""

    space: _Name = Field(description="name of a search space, as GET /v1/spaces lists them")
    architectures: list[Any] = Field(
        min_length=1,
        max_length=MAX_ARCHITECTURES,
        description=(
            f"a list of 1 to {MAX_ARCHITECTURES} genotypes, each in a format of the space, or an object "
            "{architecture, format, id} around one"
        ),
    )
    settings: dict[_Name, Any] = Field(
        default_factory=dict,
        max_length=20,
        description="an object of the space's settings, each an integer; what is left out has its default",
    )
    format: _Name | None = Field(
        None, description="name of the genotypes' format; needed only where a genotype does not show it by itself"
    )
    proxies: list[_Name] = Field(
        ["croze"],
        min_length=1,
        max_length=20,
        description=f"a list of one or more of {', '.join(PROXIES)}, each once; if left out beside an aggregate, what "
        "that needs",
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description=f"an integer from 0 to {MAX_SEED}")
    seeds: list[Annotated[int, Field(ge=0, le=MAX_SEED)]] | None = Field(
        None,
        min_length=1,
        max_length=MAX_SEEDS,
        description=f"a list of 1 to {MAX_SEEDS} different seeds, in place of seed: scores are means over them",
    )
    batch: _Name = Field(
        DEFAULT_BATCH, description="name of a batch, as GET /v1/batches lists them, or a digest: sha256:<64 hex>"
    )
    precision: _Name = Field(DEFAULT_PRECISION, description="name of a precision: float64 or float32")
    on_invalid: Literal["refuse", "fail"] = Field(
        "refuse",
        description="refuse or fail: whether a bad genotype refuses the whole request, or is a failed item of its own",
    )
    dedupe: Dedupe = Field(
        "identical",
        description="identical or isomorphic: whether only the same architecture is scored once, or one of all that "
        "are equal as functions is scored for them; alone, those would have other scores at the same seed",
    )
    aggregate: _Name | AggregateRequest | None = Field(
        None,
        description="name of a preset, as GET /v1/aggregates lists them, or an object {name or proxies, method, "
        "reference}: ranks of several proxies, combined; what it needs is added to proxies",
    )
    priority: Priority = Field("normal", description="normal or urgent: an urgent job comes before all normal ones")
    layers: bool = Field(
        False, description=f"true or false: add a table of all layers; at most {MAX_LAYER_ITEMS} architectures"
    )
    metadata: dict[str, Any] = Field(
        default_factory=dict,
        description=f"an object of your own, given back with the job; at most {MAX_METADATA_BYTES} bytes of JSON",
    )
    webhook: WebhookRequest | None = Field(
        None, description="an object {url, secret, events}: whom to tell when the job has ended"
    )


class WaitQuery(QueryModel):
    """How long to wait for a job."""

    wait: float = Field(
        0,
        ge=0,
        le=MAX_WAIT_SECONDS,
        allow_inf_nan=False,
        description=f"seconds from 0 to {MAX_WAIT_SECONDS}: the answer comes when the job has ended, or then",
    )


class JobsQuery(QueryModel):
    """Which jobs."""

    limit: int = Field(20, ge=1, le=MAX_JOBS_PAGE, description=f"an integer from 1 to {MAX_JOBS_PAGE}: jobs in a page")
    cursor: str | None = Field(None, max_length=100, description="next_cursor of the page before")
    status: JobStatus | None = Field(None, description="queued, running, completed or canceled")
    space: _Name | None = Field(None, description="name of a search space")
    created_since: _Time | None = Field(None, description="a time as RFC 3339, with its zone: that or later")
    created_before: _Time | None = Field(None, description="a time as RFC 3339, with its zone: earlier")
    metadata: _Name | None = Field(
        None, description="key, or key=value: jobs whose metadata has that key, with that value"
    )


class ScoresQuery(QueryModel):
    """Which items, and how."""

    limit: int | None = Field(
        None, ge=1, le=MAX_PAGE, description=f"an integer from 1 to {MAX_PAGE} (100 if left out): items in a page"
    )
    cursor: str | None = Field(None, max_length=100, description="next_cursor of the page before")
    order: Literal["request", "best"] = Field(
        "request", description="request or best: best first by the job's aggregate, once the job has ended"
    )
    format: Literal["json", "ndjson"] | None = Field(
        None, description="json or ndjson: the same as the Accept header application/json or application/x-ndjson"
    )


class BatchRef(View):
    name: str
    digest: str


class CountsView(View):
    """Items per state; they add up to total."""

    total: int
    queued: int
    running: int
    scored: int
    failed: int
    canceled: int


class JobLinks(View):
    self: str
    scores: str
    events: str
    cancel: str
    retry: str
    deliveries: str


class JobView(View):
    """A job now."""

    id: str
    status: JobStatus
    counts: CountsView
    space: str
    settings: dict[str, int]
    proxies: list[str]
    seed: int | None = Field(description="null if there are several")
    seeds: list[int] = Field(description="All of them, be it one")
    batch: BatchRef
    precision: str
    layers: bool
    dedupe: Dedupe
    aggregate: AggregateView | None
    priority: Priority
    retry_of: str | None = Field(description="The job whose failed items this one scores again")
    metadata: dict[str, Any]
    webhook: WebhookView | None
    position: int | None = Field(
        description="About how many open items are ahead of it; null if it has ended, or if over 1,000 jobs wait"
    )
    eta_seconds: float | None = Field(
        description="About how many seconds until the job will have ended, by what items cost so far and the workers "
        "that are alive; null if that is not known, or it has ended"
    )
    served: bool | None = Field(
        description="Whether a worker is alive that can score it. If not, it waits for one; after an upgrade that "
        "changed scores, its open items fail with `release_retired` in an hour. null if it has ended"
    )
    created_at: str = Field(description="RFC 3339, UTC, by Redis' clock")
    started_at: str | None
    finished_at: str | None
    expires_at: str | None = Field(
        description="When the job is forgotten, and answers 410 for some days more; null while it is unfinished"
    )
    links: JobLinks


class JobList(View):
    """Jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None = Field(description="null on the last page; a page may hold fewer jobs than asked for")


class ErrorView(View):
    """Why there is no score."""

    code: str
    message: str
    faults: list[FaultView] | None = Field(None, description="Only if what was sent is no architecture")


class EnvironmentView(View):
    """Where a score was computed: the same of all these gives the same bits."""

    device: str
    capability: str
    torch: str


class ReferenceView(View):
    """Where a score stands among those of all architectures of its space."""

    percentile: float = Field(
        ge=0, le=100, description="The share of all scores below it, and half of those equal to it, in percent"
    )
    rank: int = Field(ge=1, description="1 is the best; equal scores share the best of their ranks")
    of: int = Field(description="How many architectures the space has")


class SpreadView(View):
    """What a score is the mean of."""

    seeds: list[int]
    values: list[float | None] = Field(description="The score of each seed; null for one that has none")
    std: float | None = Field(description="Standard deviation of the values (divided by one less than their number)")
    stderr: float | None = Field(description="Standard error of the mean: std, divided by the root of their number")
    cached: int = Field(description="How many of them were known before this job")


class KnownScoreView(View):
    """One proxy's outcome, with what it depends on beside architecture, space and settings."""

    digest: str | None = Field(
        description="Of all that it depends on: the same digest, the same number. GET /v1/scores/{digest} has it as "
        "long as it is remembered; null for a failure, a mean over several seeds, and an earlier revision"
    )
    proxy: str
    status: Literal["scored", "failed"]
    value: float | None = Field(
        description="The mean if there are several seeds; null unless status is scored: no number is ever invented"
    )
    direction: str
    components: dict[str, float]
    batch: str | None
    seed: int | None = Field(description="null for a proxy that sees no images, and for several seeds")
    precision: str | None = Field(description="The one that was asked for")
    computed_in: str | None = Field(description="float64 if the value would have left the range of a narrower one")
    revision: int
    environment: EnvironmentView
    seconds: float
    cached: bool = Field(description="true if it was known before this job")
    error: ErrorView | None


class ScoreView(KnownScoreView):
    """A score as part of an item."""

    spread: SpreadView | None = Field(description="null for one seed, and for a proxy that does not depend on it")
    reference: ReferenceView | None = Field(
        description="null unless all architectures of the space were scored once by exactly this proxy, revision, "
        "batch, seed, precision and settings: at any other there is nothing to compare with"
    )
    layers: list[dict[str, Any]] | None = Field(None, description="Only if the job asked for layers")


class RepresentativeView(View):
    """The architecture that an item's scores are of."""

    index: int | None = Field(description="Of its item; null if that is in the job that this one retries")
    architecture: str = Field(description="Canonical form")


class ItemView(View):
    """One architecture of a job, and its scores."""

    index: int
    id: str | None
    status: ItemStatus
    architecture: str | None = Field(description="Canonical form; null if what was sent is no architecture")
    space: str
    settings: dict[str, int]
    format: str | None = Field(description="The format it was sent in")
    params: int | None = Field(description="Trainable parameters, with batch norm and without auxiliary head")
    macs: int | None = Field(description="Multiply-accumulates for one image")
    connected: bool | None = Field(description="Whether the input reaches the output")
    facts: dict[str, Any] = Field(description="What else the space knows of it")
    scores: dict[str, ScoreView] = Field(description="By proxy; empty until the item has ended")
    aggregate: ItemAggregateView | None = Field(description="null if the job asks for none")
    representative: RepresentativeView | None = Field(
        description="With dedupe isomorphic: the first item of its class, perhaps itself, whose architecture the "
        "scores are of; else null"
    )
    error: ErrorView | None = Field(description="Why the item as a whole failed")
    started_at: str | None = Field(description="When it was first taken up; null if it was not, or was known before")
    finished_at: str | None = Field(description="When it ended")
    retried_index: int | None = Field(description="Its index in the job that this one retries")


class ScorePage(View):
    """Items in the order of the request."""

    items: list[ItemView]
    next_cursor: str | None = Field(description="null on the last page")
