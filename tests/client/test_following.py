"""Streams that break, lie and forget: every item comes once, and none is left out."""

from __future__ import annotations

import pytest
from croze_client import JobGone, JobLost, ServiceUnreachable, Submission
from croze_client.following import follow, score
from croze_client.results import ItemResult, read_job
from croze_client.sse import Event, EventDecoder
from croze_client.steps import Lost, Reply

from tests.client.plans import Script, event, good, item, job, problem

OPEN = Reply(200, {})
END = event("job", "end", job("completed", scored=3))


def indexes(script: Script) -> list[int]:
    return [each.index for each in script.emitted if isinstance(each, ItemResult)]


def resumed_at(script: Script) -> list[str | None]:
    return [request.headers.get("Last-Event-ID") for request in script.asked if request.path.endswith("events")]


def test_a_broken_stream_goes_on_where_it_broke() -> None:
    script = Script([
        OPEN, event("job", 0, job()) + event("item", 1, item(2)), Lost("reset"),
        Lost("refused"),
        OPEN, b"retry: 2000\n\n: still here\n\n", event("item", 2, item(0))[:-9], b"",
        OPEN, event("item", 2, item(0)), event("item", 3, item(1)) + END,
        b"",
    ])  # fmt: skip
    ended = script.run(follow("job-1", script.patience()))
    assert ended.counts.scored == 3
    assert indexes(script) == [2, 0, 1]
    assert resumed_at(script) == [None, "1", "1", "1"]


def test_pieces_may_be_cut_anywhere() -> None:
    stream = b": hello\r\n\r\n" + event("item", 1, {"text": "\u00fc"}) + b"data: a\ndata: b\n\n"
    decoder = EventDecoder()
    events = [found for place in range(len(stream)) for found in decoder.feed(stream[place : place + 1])]
    assert events == [Event("item", "1", '{"text": "\\u00fc"}'), Event("message", "1", "a\nb")]


def test_a_job_that_was_lost_with_some_of_its_scores_is_made_again_and_read_again() -> None:
    again = b"".join(event("item", number, item(index)) for number, index in enumerate([1, 2, 0], 1)) + END
    script = Script([
        good(job(), 202), OPEN, event("item", 1, item(2)), Lost("reset"),
        problem(404, "unknown_job"), good(job(), 202),
        OPEN, again, b"",
    ])  # fmt: skip
    script.run(score(Submission(b"{}", "my-key"), script.patience()))
    assert indexes(script) == [2, 1, 0]
    keys = [request.headers["Idempotency-Key"] for request in script.asked if request.method == "POST"]
    assert keys == ["my-key", "my-key"]
    assert resumed_at(script) == [None, "1", None]


def test_a_number_that_the_service_no_longer_knows_is_dropped() -> None:
    refused = problem(422, "invalid_request", "'2' is not an id of this job's events; leave it out")
    rest = b"".join(event("item", number, item(number - 1)) for number in (1, 2, 3)) + END
    script = Script([OPEN, event("item", 2, item(1)), Lost("reset"), refused, OPEN, rest, b""])
    script.run(follow("job-1", script.patience()))
    assert indexes(script) == [1, 0, 2]
    assert resumed_at(script) == [None, "2", None]


def test_an_end_that_comes_too_early_is_not_believed() -> None:
    whole = b"".join(event("item", number, item(number - 1)) for number in (1, 2, 3)) + END
    script = Script([OPEN, event("item", 1, item(0)) + END, b"", OPEN, whole, b""])
    script.run(follow("job-1", script.patience()))
    assert indexes(script) == [0, 1, 2]
    script = Script([answer for _ in range(9) for answer in (OPEN, event("item", 1, item(0)) + END, b"")])
    with pytest.raises(JobLost, match="only 1 of its items"):
        script.run(follow("job-1", script.patience()))


def test_a_job_that_is_deleted_meanwhile_says_so() -> None:
    script = Script([OPEN, event("item", 1, item(0)), b"", problem(410, "job_deleted")])
    with pytest.raises(JobGone):
        script.run(follow("job-1", script.patience()))


def test_a_stream_that_breaks_each_time_is_given_up_and_the_job_is_named() -> None:
    script = Script([answer for _ in range(999) for answer in (OPEN, Lost("reset"))])
    with pytest.raises(ServiceUnreachable, match="breaks off") as caught:
        script.run(follow(read_job(job()), script.patience(away=30)))
    assert caught.value.job_id == "job-1"
    assert 30 < script.now < 60


def test_a_job_that_waits_for_longer_than_its_streams_live_is_followed_to_its_end() -> None:
    cut = [answer for _ in range(30) for answer in (OPEN, event("job", 0, job()), Lost("cut off by a proxy"))]
    whole = b"".join(event("item", number, item(number - 1)) for number in (1, 2, 3)) + END
    script = Script([*cut, OPEN, whole, b""])
    script.run(follow("job-1", script.patience(away=30)))
    assert indexes(script) == [0, 1, 2]
    assert script.now > 60
