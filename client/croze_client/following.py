"""A job's items as they finish, over any number of broken connections: each once, and none left out.

The service's events are numbered, and a stream that is asked for again goes on after the last one seen. That number
is trusted only as far as it leads: items are told apart by their index, and a job whose end has come while some are
missing is read again from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from croze_client.answers import the_object
from croze_client.errors import JobLost, JobUnknown, Refused, ServiceUnreachable
from croze_client.jobs import id_of, interrupted, job_path, page_through, submission_of, submit, submit_again
from croze_client.patience import Patience, ask, pauses
from croze_client.results import Job, read_item, read_job
from croze_client.sse import Event, EventDecoder
from croze_client.steps import Lost, Open, Plan, emit, pause, read_on
from croze_client.submission import Submission

#: Seconds without a byte. The service sends a comment every ten.
_SILENCE_S: Final = 45.0
#: The id of a job's last event.
_END: Final = "end"
#: How often a job is read from the beginning because its end came too early.
_MAX_READINGS: Final = 3


@dataclass(slots=True)
class _Reading:
    """How far the reading of one job has come."""

    job_id: str
    submission: Submission | None
    start: int
    seen: set[int] = field(default_factory=set)
    last_event: str | None = None
    job: Job | None = None
    heard: int = 0
    """Events, news or not. Each is a sign of life: a job may wait for longer than what cuts its streams off."""
    lost: int = 0
    readings: int = 1


def follow(job: Job | str, patience: Patience, start: int = 0) -> Plan[Job]:
    """Emits every item of a job when it has ended. The job at its end.

    Args:
        start: what is added to each item's index.

    Raises:
        ServiceUnreachable: the service is away for too long, or the stream breaks again and again without a word.
        JobLost: the service forgot the job again and again, or items of it.
        JobGone: it was deleted while it was read.
    """
    reading = _Reading(id_of(job), submission_of(job), start)
    waits, last_heard = pauses(), patience.clock()
    while True:
        seen, before = len(reading.seen), (reading.heard, reading.last_event)
        try:
            yield from _read_stream(reading, patience)
        except ServiceUnreachable as error:
            raise interrupted(error, reading.job_id) from error
        if reading.last_event == _END and (ended := _whole(reading)):
            return ended
        if len(reading.seen) > seen:
            waits = pauses()
        if (reading.heard, reading.last_event) != before:
            last_heard = patience.clock()
        elif patience.clock() - last_heard > patience.away:
            raise interrupted(ServiceUnreachable("the stream of its items breaks off each time"), reading.job_id)
        yield from pause(next(waits))


def score(submission: Submission, patience: Patience, start: int = 0, *, final: bool = False) -> Plan[Job]:
    """Submits, and emits the job as it was made, then every item when it has ended. The job at its end.

    Args:
        start: what is added to each item's index.
        final: emit items again if what was said of them was a moment's view: aggregates.

    Raises:
        CrozeError: as `submit` and `follow` do.
    """
    made = yield from submit(submission, patience)
    yield from emit(made)
    ended = yield from follow(made, patience, start)
    if final and made.raw.get("aggregate") is not None:
        for item in (yield from page_through(ended.id, patience)):
            yield from emit(replace(item, index=item.index + start))
    return ended


def _read_stream(reading: _Reading, patience: Patience) -> Plan[None]:
    """One stream, until it ends or breaks."""
    headers = {"Accept": "text/event-stream"}
    if reading.last_event is not None:
        headers["Last-Event-ID"] = reading.last_event
    request = Open(method="GET", path=job_path(reading.job_id, "events"), headers=headers, silence=_SILENCE_S)
    try:
        yield from ask(request, patience)
    except JobUnknown as error:
        reading.lost += 1
        reading.last_event = None
        yield from submit_again(reading.job_id, reading.submission, reading.lost, error, patience)
        return
    except Refused:
        if reading.last_event is None:
            raise
        reading.last_event = None  # the job is another than it was: its Redis was replaced
        return
    decoder = EventDecoder()
    while True:
        piece = yield from read_on()
        if isinstance(piece, Lost) or not piece:
            return
        yield from _take(reading, decoder.feed(piece))


def _take(reading: _Reading, events: Iterable[Event]) -> Plan[None]:
    for event in events:
        reading.heard += 1
        if event.name == "item":
            item = read_item(the_object(event.data, "an item"))
            if item.index not in reading.seen:
                reading.seen.add(item.index)
                yield from emit(replace(item, index=item.index + reading.start))
        elif event.name == "job":
            reading.job = read_job(the_object(event.data, "a job"), reading.submission)
        if event.id is not None:
            reading.last_event = event.id


def _whole(reading: _Reading) -> Job | None:
    """The job if all its items were seen at its end; else None, and it is read from the beginning.

    Raises:
        JobLost: that has been done, and did not help.
    """
    job = reading.job
    if job is not None and len(reading.seen) >= job.counts.total:
        return replace(job, submission=reading.submission)
    if reading.readings == _MAX_READINGS:
        raise JobLost(
            f"job {reading.job_id} has ended, but only {len(reading.seen)} of its items can be read",
            "submit the same again with another key: known scores come at once",
            job_id=reading.job_id,
        )
    reading.readings += 1
    reading.last_event = None
    return None
