"""Ranks of a job's items: worked out whenever they are shown, from what Redis keeps.

What has ended never changes, so of a job that has ended they are worked out once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from app.jobs.standings import LEAST, Standing, failed, placed, too_few, unranked
from proxy.aggregates import Ranked, Row, log_rank, rank_against, rank_all, row_of
from proxy.proxies import get_proxy
from proxy.ranking import Ladder
from proxy.reference_scores import Conditions, find_reference
from workers.aggregates import AggregateSpec, unpack
from workers.records import TERMINAL_JOB, Item, Job, JobSpec

if TYPE_CHECKING:
    from proxy.proxies._base import Proxy
    from workers.store import Store
    from workers.store.ranking import Compared

T = TypeVar("T")

Table: TypeAlias = Mapping[int, Ranked]
"""All ranked items of a job, by index."""

_MISSING: Final = failed(
    "reference_missing", "this release does not have the distribution that the job is ranked against; submit it anew"
)


class _Recent(Generic[T]):
    """The last few of what was worked out for jobs."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[tuple[str, float], T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, job: Job, work_out: Callable[[], T]) -> T:
        # With the time: an id may be that of another job, once this one has long been gone.
        key = (job.spec.id, job.created_at)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = work_out()  # by two at a time, perhaps: it is the same
        with self._lock:
            self._known[key] = found
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return found


#: Of jobs that have ended: some megabytes for 20,000 items.
_tables: Final = _Recent[Table](8)
#: What jobs are ranked against: some megabytes for 20,000 architectures.
_ladders: Final = _Recent[list[Ladder]](8)


def standings(store: Store, job: Job, items: Sequence[Item]) -> list[Standing | None]:
    """What the job's aggregate says of each of these items; None if it has none.

    Raises:
        StoreError: Redis is away.
    """
    aggregate = job.spec.aggregate
    if aggregate is None:
        return [None] * len(items)
    rows = {item.spec.index: row for item in items if (row := _row(aggregate, item)) is not None}
    show = _of_ended if job.status in TERMINAL_JOB else _of_unfinished
    found = show(store, job, aggregate, rows)
    return [found.get(item.spec.index) or _unranked(aggregate, item) for item in items]


def best_first(store: Store, job: Job, aggregate: AggregateSpec) -> list[int]:
    """The indexes of all items of a job that has ended: the best by its aggregate first, those without a value last."""
    table = _table(store, job, aggregate)
    last = len(table) + 1
    return sorted(range(job.counts.total), key=lambda index: table[index].rank if index in table else last)


def shipped_conditions(job: JobSpec, proxy: Proxy) -> Conditions:
    """What the job's scores by that proxy depend on. Of several seeds there is no one seed."""
    seed = None if job.seeds else job.seed
    batch, seed, precision = (job.batch, seed, job.precision) if proxy.needs_batch else (None, None, None)
    return Conditions(job.space, job.settings, proxy.name, proxy.revision, batch, seed, precision)


def _of_ended(store: Store, job: Job, aggregate: AggregateSpec, rows: Mapping[int, Row]) -> dict[int, Standing]:
    ladders = _against(store, job, aggregate)
    if ladders == []:
        return dict.fromkeys(rows, _MISSING)
    table = _table(store, job, aggregate)
    if ladders is None and len(table) < LEAST:
        return dict.fromkeys(rows, too_few(len(table), aggregate.proxies))
    among = len(table) if ladders is None else len(ladders[0]) + 1
    return {index: placed(table[index], among=among, of=len(table)) for index in rows if index in table}


def _of_unfinished(store: Store, job: Job, aggregate: AggregateSpec, rows: Mapping[int, Row]) -> dict[int, Standing]:
    ladders = _against(store, job, aggregate)
    if ladders == []:
        return dict.fromkeys(rows, _MISSING)
    compared = store.jobs.compared(job.spec.id, rows)
    return {index: _so_far(row, compared[index], ladders) for index, row in rows.items()}


def _so_far(row: Row, compared: Compared, ladders: Sequence[Ladder] | None) -> Standing:
    size = compared.size
    if ladders is not None:
        value, among = log_rank(map(rank_against, ladders, row)), len(ladders[0]) + 1
        return Standing(status="scored", value=value, among=among, of=size)
    if size < LEAST:
        return Standing(status="pending", of=size)
    # It is among them itself: as `proxy.aggregates.rank_in`.
    value = log_rank((1 + worse + (equal - 1) / 2, size) for worse, equal in compared.standings)
    return Standing(status="scored", value=value, among=size, of=size)


def _table(store: Store, job: Job, aggregate: AggregateSpec) -> Table:
    def work_out() -> Table:
        ladders = _against(store, job, aggregate)
        rows = {} if ladders == [] else store.jobs.ranked(job.spec.id, len(aggregate.proxies))
        return rank_all(rows, ladders)

    return _tables.get(job, work_out)


def _against(store: Store, job: Job, aggregate: AggregateSpec) -> list[Ladder] | None:
    """What items are ranked against, by proxy; None: each other. Empty: it is not there."""
    if aggregate.against == "job":
        return None
    if aggregate.against == "earlier":
        return _ladders.get(job, lambda: _frozen(store, job, aggregate))
    found = [find_reference(shipped_conditions(job.spec, get_proxy(name))) for name in aggregate.proxies]
    known = [reference.ladder for reference in found if reference is not None]
    return known if len(known) == len(found) else []


def _frozen(store: Store, job: Job, aggregate: AggregateSpec) -> list[Ladder]:
    content = store.jobs.against(job.spec.id)
    return unpack(content, len(aggregate.proxies)) if content else []


def _row(aggregate: AggregateSpec, item: Item) -> Row | None:
    return None if item.outcome is None else row_of(aggregate.proxies, item.outcome.scores)


def _unranked(aggregate: AggregateSpec, item: Item) -> Standing:
    outcome = item.outcome
    scores, error = ({}, None) if outcome is None else (outcome.scores, outcome.error)
    return unranked(aggregate.proxies, item.status, scores, error)
