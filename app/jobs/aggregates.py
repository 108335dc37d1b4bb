"""The aggregate that a request asks for: which proxies, and what their ranks are taken among."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from app.errors import InvalidRequest, UnknownJob
from app.jobs.aggregate_schemas import AggregateRequest, EarlierJob
from app.jobs.parsing import located
from app.jobs.ranking import shipped_conditions
from app.jobs.refusals import JobDeleted, JobExpired, ReferenceMismatch, UnknownReference
from app.jobs.schemas import SubmitRequest
from app.jobs.standings import LEAST
from app.validation import brief
from proxy import numerics
from proxy.aggregates import Aggregate, Row, aggregate_of, check_method, get_aggregate, row_of
from proxy.errors import Fault
from proxy.proxies import get_proxy
from proxy.reference_scores import Conditions, find_reference, shipped
from workers.aggregates import AggregateSpec, pack

if TYPE_CHECKING:
    from workers.records import Item, Job, JobSpec
    from workers.store import Store

_AT: Final = "aggregate.reference"


def aggregate_asked(request: SubmitRequest) -> AggregateSpec | None:
    """The aggregate of a request; None if it asks for none. What it is ranked against is not looked at.

    Raises:
        UnknownAggregate, UnknownProxy, InvalidAggregate: it asks for none that there is.
        InvalidRequest: it names a preset and proxies, or neither.
    """
    asked = request.aggregate
    if asked is None:
        return None
    if isinstance(asked, str):
        with located("aggregate"):
            return _spec(get_aggregate(asked))
    spec = _spec(_named(asked))
    if isinstance(asked.reference, EarlierJob):
        return replace(spec, against="earlier", earlier=asked.reference.job)
    return replace(spec, against=asked.reference)


def proxies_asked(request: SubmitRequest, aggregate: AggregateSpec | None) -> tuple[str, ...]:
    """All that the job is to compute: what the request names, and what its aggregate needs beside."""
    needed = () if aggregate is None else aggregate.proxies
    named = () if needed and "proxies" not in request.model_fields_set else tuple(request.proxies)
    return (*named, *(proxy for proxy in needed if proxy not in named))


def frozen_reference(
    store: Store, spec: JobSpec, find: Callable[[str], Job], items: Callable[[Job], Iterable[Item]]
) -> bytes:
    """What the items of a new job are to be ranked against, to be kept with it: nothing that happens to an earlier job
    later changes it. Empty if they are ranked against each other or a shipped distribution.

    Args:
        spec: the new job.
        find: gives a job of the caller's.
        items: gives its items.

    Raises:
        UnknownReference: there is no such job, or no distribution at these conditions.
        ReferenceMismatch: its scores are of other conditions, or too few.
    """
    aggregate = spec.aggregate
    if aggregate is not None and aggregate.against == "shipped":
        _check_shipped(spec, aggregate)
    if aggregate is None or aggregate.against != "earlier":
        return b""
    name = aggregate.earlier or ""
    try:
        job = find(name)
    except (UnknownJob, JobExpired, JobDeleted) as error:
        raise UnknownReference(f"{_AT}: {error.message}") from None
    faults = [*_differences(job, spec, aggregate)]
    if faults:
        raise ReferenceMismatch(f"job {brief(name)} cannot be ranked against: {'; '.join(map(str, faults))}", faults)
    rows = rows_of(store, job, aggregate, items)
    if len(rows) < LEAST:
        raise ReferenceMismatch(
            f"{_AT}: {len(rows)} items of job {brief(name)} have a value by each of {', '.join(aggregate.proxies)}, "
            f"and ranks need {LEAST}; wait for more of them, or name another job"
        )
    return pack(rows)


def retried_reference(store: Store, job: Job, shown_id: str) -> tuple[AggregateSpec | None, bytes]:
    """The aggregate of a job that scores again what failed in that one, and what is to be kept with it.

    Items that were to be ranked among each other are ranked against those that did not fail, if they are enough: else
    the few that failed would be ranked among themselves.
    """
    aggregate = job.spec.aggregate
    if aggregate is None or aggregate.against == "shipped":
        return aggregate, b""
    if aggregate.against == "earlier":
        return aggregate, store.jobs.against(job.spec.id) or b""
    rows = [*store.jobs.ranked(job.spec.id, len(aggregate.proxies)).values()]
    if len(rows) < LEAST:
        return aggregate, b""
    return replace(aggregate, against="earlier", earlier=shown_id), pack(rows)


def rows_of(store: Store, job: Job, aggregate: AggregateSpec, items: Callable[[Job], Iterable[Item]]) -> list[Row]:
    """What the items of a job are ranked by that have ended with a value by each proxy of the aggregate."""
    own = job.spec.aggregate
    if own is not None and own.proxies == aggregate.proxies:
        return [*store.jobs.ranked(job.spec.id, len(own.proxies)).values()]
    found = (row_of(aggregate.proxies, item.outcome.scores) for item in items(job) if item.outcome is not None)
    return [row for row in found if row is not None]


def _spec(aggregate: Aggregate) -> AggregateSpec:
    return AggregateSpec(name=aggregate.name, method=aggregate.method, proxies=aggregate.proxies)


def _named(asked: AggregateRequest) -> Aggregate:
    if (asked.name is None) == (asked.proxies is None):
        problem = "names neither a preset nor proxies" if asked.name is None else "names a preset and proxies"
        raise InvalidRequest.of(Fault("aggregate", problem, "give either name or proxies"))
    with located("aggregate.method"):
        check_method(asked.method)
    if asked.proxies is None:
        with located("aggregate.name"):
            return get_aggregate(asked.name or "")
    for position, name in enumerate(asked.proxies):
        with located(f"aggregate.proxies[{position}]"):
            get_proxy(name)
    with located("aggregate"):
        return aggregate_of(asked.proxies, asked.method)


def _differences(job: Job, spec: JobSpec, aggregate: AggregateSpec) -> Iterator[Fault]:
    """What the scores of that job depend on, and those of the new one otherwise."""
    there, repair = job.spec, "ask for the same, or name another job"
    compared: list[tuple[str, Any, Any]] = [
        ("space", there.space, spec.space),
        ("settings", dict(there.settings), dict(spec.settings)),
    ]
    if any(get_proxy(name).needs_batch for name in aggregate.proxies):
        compared += [
            ("batch", there.batch, spec.batch),
            ("seeds", _seeds(there), _seeds(spec)),
            ("precision", there.precision, spec.precision),
        ]
    for what, its, ours in compared:
        if its != ours:
            yield Fault(_AT, f"its {what}: {its}, and here: {ours}", repair)
    missing = [name for name in aggregate.proxies if name not in there.proxies]
    if missing:
        yield Fault(_AT, f"it has no scores by {', '.join(missing)}", "name a job that has them")
    elif not set(numerics.needs(spec.space, aggregate.proxies)) <= job.needs:
        yield Fault(_AT, "its scores are of another revision of a proxy", "score its architectures anew")


def _seeds(spec: JobSpec) -> list[int]:
    return sorted(spec.seeds or (spec.seed,))


def _check_shipped(spec: JobSpec, aggregate: AggregateSpec) -> None:
    wanted = {name: shipped_conditions(spec, get_proxy(name)) for name in aggregate.proxies}
    missing = [name for name, conditions in wanted.items() if find_reference(conditions) is None]
    if missing:
        there = "; ".join(_shown(reference.conditions) for reference in shipped().values())
        raise UnknownReference(
            f"{_AT}: no distribution of {', '.join(missing)} is shipped for these conditions; shipped: {there}"
        )


def _shown(conditions: Conditions) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in conditions.settings.items())
    sees = f", batch {conditions.batch}, seed {conditions.seed}, {conditions.precision}" if conditions.batch else ""
    return f"{conditions.proxy} revision {conditions.revision} in {conditions.space} ({settings}{sees})"
