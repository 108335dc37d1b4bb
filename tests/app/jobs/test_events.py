"""Server-Sent Events: every item once, in the order of completion, over as many connections as it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from app.jobs import streams
from app.jobs.schemas import ItemView, JobView
from app.jobs.waiting import CHUNK
from tests.app.driving import cells, submitted, work
from workers.store import Store


class Event(NamedTuple):
    name: str
    id: str
    data: Any


def events(answer: httpx.Response) -> Iterator[Event]:
    """What an EventSource would dispatch."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line == "" and "data" in fields:
            yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
        if line == "":
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


def all_events(api: httpx.Client, path: str, last: str | None = None) -> list[Event]:
    with api.stream("GET", path, headers={} if last is None else {"Last-Event-ID": last}) as answer:
        assert answer.status_code == 200
        return list(events(answer))


def test_a_job_tells_its_states_and_its_items(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(3))
    with api.stream("GET", job["links"]["events"]) as answer:
        told = events(answer)
        first = next(told)
        assert (first.name, first.id, first.data["status"]) == ("job", "0", "queued")
        work(store, job["id"], limit=1)
        running, item = next(told), next(told)
        assert (running.name, running.data["status"]) == ("job", "running")
        assert (item.name, item.id, item.data["index"]) == ("item", "1", 0)
        work(store, job["id"])
        rest = list(told)
    assert [(each.name, each.id) for each in rest] == [("item", "2"), ("item", "3"), ("job", "end")]
    assert rest[-1].data["status"] == "completed"
    ItemView.model_validate(item.data)
    JobView.model_validate(rest[-1].data)
    page = api.get(job["links"]["scores"]).json()
    assert [item.data, rest[0].data, rest[1].data] == page["items"]


def test_a_stream_goes_on_after_the_last_event_that_was_seen(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(5))
    work(store, job["id"])
    whole = all_events(api, job["links"]["events"])
    assert [each.id for each in whole] == ["1", "2", "3", "4", "5", "end"]
    for seen in range(6):
        assert all_events(api, job["links"]["events"], str(seen)) == whole[seen:]
    answer = api.get(job["links"]["events"], headers={"Last-Event-ID": "end"})
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_stream_that_broke_off_misses_nothing_that_came_meanwhile(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(4))
    work(store, job["id"], limit=2)
    with api.stream("GET", job["links"]["events"]) as answer:
        told = events(answer)
        seen = [next(told) for _ in range(2)]
    assert [each.name for each in seen] == ["job", "item"]
    work(store, job["id"])
    rest = all_events(api, job["links"]["events"], seen[-1].id)
    assert [each.data["index"] for each in rest if each.name == "item"] == [1, 2, 3]


def test_more_items_than_a_look_holds_are_numbered_through(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=cells(2 * CHUNK + 1))
    work(store, job["id"], limit=2 * CHUNK)
    api.post(job["links"]["cancel"])
    told = all_events(api, job["links"]["events"])
    assert [each.id for each in told] == [*map(str, range(1, 2 * CHUNK + 2)), "end"]
    assert [each.data["status"] for each in told[-2:]] == ["canceled", "canceled"]


def test_silence_is_filled_with_comments(api: httpx.Client, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT", 0.05)
    job = submitted(api)
    with api.stream("GET", job["links"]["events"]) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        assert next(line for line in lines if line.startswith(":")) == ": still here"
        work(store, job["id"])
        assert "id: end" in list(lines)


@pytest.mark.parametrize("bad", ["-1", "3", "x", "1.0", "9999999", "\u0661".encode().decode("latin-1")])
def test_an_id_that_was_never_given_is_refused(api: httpx.Client, bad: str) -> None:
    job = submitted(api, architectures=cells(2))
    answer = api.get(job["links"]["events"], headers={b"Last-Event-ID": bad.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["faults"][0]["at"] == "Last-Event-ID"
