"""What is asked again, for how long, and what is said in the end."""

from __future__ import annotations

import pytest
from croze_client import (
    IncompatibleServer,
    JobLost,
    JobUnknown,
    Overloaded,
    Refused,
    ServiceFailed,
    ServiceUnreachable,
    Submission,
    WaitTimeout,
    __version__,
)
from croze_client import jobs as plans
from croze_client.results import read_job
from croze_client.steps import Lost, Reply

from tests.client.plans import Script, good, job, problem

SUBMISSION = Submission(b"{}", "my-key")


def test_a_submission_is_repeated_under_its_key_until_it_is_answered() -> None:
    script = Script([Lost("reset"), problem(500, "internal_error"), Reply(502, {}, b"<html>"), good(job())])
    made = script.run(plans.submit(SUBMISSION, script.patience()))
    assert made.id == "job-1"
    assert [request.headers["Idempotency-Key"] for request in script.asked] == ["my-key"] * 4
    assert script.pauses == sorted(script.pauses), "longer and longer"


def test_a_busy_service_says_when_to_come_again() -> None:
    busy = [problem(429, "queue_full", retry_after="7"), problem(503, "store_full", retry_after="60")]
    script = Script([*busy, good(job())])
    script.run(plans.submit(SUBMISSION, script.patience()))
    assert script.pauses == [7.0, 60.0]


def test_a_service_that_stays_busy_is_given_up_in_time() -> None:
    script = Script([problem(429, "quota_exceeded", "too many open items; wait", retry_after="50")])
    with pytest.raises(Overloaded) as caught:
        script.run(plans.submit(SUBMISSION, script.patience(busy=120)))
    assert script.pauses == [50.0, 50.0]
    assert (caught.value.code, caught.value.problem, caught.value.repair) == (
        "quota_exceeded", "too many open items", "wait",
    )  # fmt: skip


def test_a_refusal_is_not_repeated_and_a_mistake_only_a_little() -> None:
    script = Script([problem(422, "invalid_request")])
    with pytest.raises(Refused):
        script.run(plans.submit(SUBMISSION, script.patience()))
    assert len(script.asked) == 1
    script = Script([problem(500, "internal_error")])
    with pytest.raises(ServiceFailed):
        script.run(plans.submit(SUBMISSION, script.patience()))
    assert len(script.asked) == 3


def test_a_service_that_was_there_is_waited_for_longer_than_one_that_never_was() -> None:
    script = Script([Lost("refused")])
    patience = script.patience(first=5, away=100)
    with pytest.raises(ServiceUnreachable):
        script.run(plans.submit(SUBMISSION, patience))
    assert 5 < script.now < 15
    script.answers = [good(job()), Lost("refused")]
    script.run(plans.submit(SUBMISSION, patience))
    before = script.now
    script.answers = [Lost("refused")]
    with pytest.raises(ServiceUnreachable) as caught:
        script.run(plans.wait("job-1", patience, None))
    assert 100 < script.now - before < 110
    assert caught.value.job_id == "job-1"
    assert "job-1 is kept" in str(caught.value)


def test_a_job_that_the_service_forgot_is_submitted_again_under_its_key() -> None:
    unknown = problem(404, "unknown_job")
    script = Script([unknown, good(job(), 202), good(job("running")), unknown, good(job("completed"))])
    ended = script.run(plans.wait(read_job(job(), SUBMISSION), script.patience(), None))
    assert ended.status == "completed"
    assert [request.method for request in script.asked] == ["GET", "POST", "GET", "GET", "POST"]
    assert {request.headers["Idempotency-Key"] for request in script.asked if request.method == "POST"} == {"my-key"}


def test_a_job_is_not_submitted_again_for_ever_nor_without_knowing_what_it_was() -> None:
    script = Script([answer for _ in range(9) for answer in (problem(404, "unknown_job"), good(job(), 202))])
    with pytest.raises(JobLost) as caught:
        script.run(plans.wait(read_job(job(), SUBMISSION), script.patience(), None))
    assert caught.value.job_id == "job-1"
    assert [request.method for request in script.asked].count("POST") == plans.MAX_RESUBMISSIONS
    script = Script([problem(404, "unknown_job")])
    with pytest.raises(JobUnknown):
        script.run(plans.wait("job-1", script.patience(), None))


def test_a_service_that_does_not_wait_is_not_asked_all_the_time() -> None:
    script = Script([good(job())])
    with pytest.raises(WaitTimeout):
        script.run(plans.wait("job-1", script.patience(), timeout=100))
    assert 10 < len(script.asked) < 40


@pytest.mark.parametrize(
    ("answer", "why"),
    [(Lost("refused"), "no answer: refused"), (problem(503, "store_unavailable", retry_after="60"), "it is wrong")],
)
def test_who_waits_for_so_long_does_not_wait_longer_because_nobody_answers(answer: Reply | Lost, why: str) -> None:
    script = Script([good(job("running")), answer])
    with pytest.raises(WaitTimeout, match=why) as caught:
        script.run(plans.wait("job-1", script.patience(), timeout=7))
    assert caught.value.job_id == "job-1"
    assert script.now == pytest.approx(7)
    forgotten = Script([problem(404, "unknown_job"), answer])
    with pytest.raises(WaitTimeout, match=why):
        forgotten.run(plans.wait(read_job(job(), SUBMISSION), forgotten.patience(), timeout=7))
    assert forgotten.now == pytest.approx(7)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (good({"id": "job-1", "status": "queued"}), "a job without 'counts'"),
        (good(job() | {"status": 7}), "a job whose 'status' is 7"),
        (Reply(200, {}, b"<html>hello"), "no JSON object"),
    ],
)
def test_an_answer_that_lacks_something_names_both_versions(answer: Reply, said: str) -> None:
    script = Script([answer, good({"info": {"title": "CRoZe", "version": "9.8.7"}})])
    with pytest.raises(IncompatibleServer, match=said) as caught:
        script.run(plans.read("job-1", script.patience()))
    assert (caught.value.client_version, caught.value.server_version) == (__version__, "9.8.7")
    assert "9.8.7" in str(caught.value)


def test_fields_that_nobody_knows_are_no_error() -> None:
    script = Script([good(job() | {"new": [1], "counts": job()["counts"] | {"new": 1}})])
    assert script.run(plans.read("job-1", script.patience())).raw["new"] == [1]
