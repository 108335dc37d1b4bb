"""What is sent, when it is sent again, and when no more: over real connections."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from app.jobs.schemas import JobView
from app.settings import Settings
from app.webhooks import delivery
from app.webhooks.delivery import BACK_OFF_S
from app.webhooks.schemas import DeliveryList, DeliveryView
from tests.app.conftest import served
from tests.app.driving import cells, seen, submit, work
from tests.app.webhooks.conftest import Own
from tests.app.webhooks.receiver import (
    PATIENCE_S,
    SECRET,
    Received,
    Receiver,
    make_due,
    receiving,
    submitted_to,
    wait_for_status,
)
from tests.workers.processes import wait_until
from workers.store.deliveries import Deliveries


def check_signed(received: Received) -> None:
    """As the standard says, and by none of our code."""
    signed = f"{received.id}.{received.headers['webhook-timestamp']}.{received.body.decode()}"
    digest = hmac.digest(base64.b64decode(SECRET.split("_", 1)[1]), signed.encode(), hashlib.sha256)
    assert received.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_the_end_of_a_job_is_told_once_and_signed(open_api: httpx.Client, own: Own, receiver: Receiver) -> None:
    job = submitted_to(open_api, receiver.url, architectures=cells(2), metadata={"mine": "ä"})
    assert open_api.get(job["links"]["deliveries"]).json() == {"items": []}
    work(own.store, job["id"])

    (told,) = receiver.wait_for(1)

    check_signed(told)
    assert told.path == "/told?token=in-the-query"
    assert told.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert told.content["type"] == "job.completed"
    now = open_api.get(job["links"]["self"]).json()
    assert told.content["data"] == now
    assert told.content["timestamp"] == now["finished_at"]
    JobView.model_validate(now)
    delivery = wait_for_status(open_api, job, "delivered", 1)
    DeliveryList.model_validate(open_api.get(job["links"]["deliveries"]).json())
    assert delivery["id"] == told.id
    assert [(each["status_code"], each["error"]) for each in delivery["attempts"]] == [(204, None)]
    assert delivery["next_attempt_at"] is None
    assert len(receiver.received) == 1


def test_a_job_that_is_born_completed_is_told_too(open_api: httpx.Client, own: Own, receiver: Receiver) -> None:
    seen(own.store)
    work(own.store, submitted_to(open_api, receiver.url, architectures=cells(2))["id"])
    job = submitted_to(open_api, receiver.url, architectures=cells(2))
    assert job["status"] == "completed"
    told = receiver.wait_for(2)
    assert job["id"] in {each.content["data"]["id"] for each in told}


def test_only_ends_that_were_asked_for_are_told(open_api: httpx.Client, receiver: Receiver) -> None:
    answers = {}
    for event in ("job.completed", "job.canceled"):
        job = submit(open_api, webhook={"url": receiver.url, "secret": SECRET, "events": [event]}).json()
        open_api.post(job["links"]["cancel"])
        answers[event] = open_api.get(job["links"]["deliveries"]).json()["items"]
    assert answers["job.completed"] == []
    assert [each["type"] for each in answers["job.canceled"]] == ["job.canceled"]
    assert receiver.wait_for(1)[0].content["data"]["status"] == "canceled"


def test_what_fails_is_sent_again_with_the_same_id(open_api: httpx.Client, own: Own, receiver: Receiver) -> None:
    receiver.statuses = [500, 302]
    job = submitted_to(open_api, receiver.url)
    work(own.store, job["id"])
    for count in (1, 2):
        waiting = wait_for_status(open_api, job, "waiting", count)
        assert waiting["next_attempt_at"] > waiting["attempts"][-1]["at"]
        make_due(own.redis, job)

    delivery = wait_for_status(open_api, job, "delivered", 3)

    assert [each["error"] for each in delivery["attempts"]] == ["answered 500", "answered 302", None]
    assert len({each.id for each in receiver.received}) == 1
    assert {each.path for each in receiver.received} == {"/told?token=in-the-query"}, "no redirect is followed"
    assert len({each.body for each in receiver.received}) == 1
    for each in receiver.received:
        check_signed(each)
    assert own.store.figures().deliveries == {"delivered": 1, "failed": 2, "given_up": 0}
    metrics = open_api.get("/metrics").text
    assert 'croze_webhook_deliveries_total{outcome="failed"} 2.0' in metrics
    assert "croze_webhook_deliveries_waiting 0.0" in metrics


def test_a_receiver_that_does_not_answer_in_time_has_failed(
    open_api: httpx.Client, own: Own, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "ATTEMPT_S", 0.5)
    receiver.go_on.clear()
    job = submitted_to(open_api, receiver.url)
    work(own.store, job["id"])
    attempt = wait_for_status(open_api, job, "waiting", 1)["attempts"][0]
    assert (attempt["status_code"], attempt["error"]) == (None, "no answer within 0.5 s")


def test_nothing_that_goes_wrong_ends_the_service(
    open_api: httpx.Client, own: Own, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_wrong = threading.Event()

    def wrong(*_: object) -> None:
        went_wrong.set()
        raise RuntimeError("nobody thought of that")

    for count, (where, name) in enumerate([(Deliveries, "lease"), (delivery, "payload")], start=1):
        job = submitted_to(open_api, receiver.url, seed=count)
        went_wrong.clear()
        with monkeypatch.context() as patched:
            patched.setattr(where, name, wrong)
            work(own.store, job["id"])
            assert went_wrong.wait(PATIENCE_S), name
        assert open_api.get("/readyz").status_code == 200
        make_due(own.redis, job)
        wait_for_status(open_api, job, "delivered", 1)


def test_a_receiver_that_is_down_is_told_when_it_is_up(open_api: httpx.Client, own: Own) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    job = submitted_to(open_api, f"http://127.0.0.1:{port}/")
    work(own.store, job["id"])
    down = wait_for_status(open_api, job, "waiting", 1)
    assert (down["attempts"][0]["status_code"], down["attempts"][0]["error"]) == (None, "no answer: ConnectError")
    with receiving(port) as receiver:
        make_due(own.redis, job)
        assert receiver.wait_for(1)[0].id == down["id"]
        wait_for_status(open_api, job, "delivered", 2)


def test_it_is_given_up_after_the_last_pause_and_at_410_at_once(
    open_api: httpx.Client, own: Own, receiver: Receiver
) -> None:
    receiver.statuses = [500] * (len(BACK_OFF_S) + 1) + [410]
    job = submitted_to(open_api, receiver.url)
    work(own.store, job["id"])
    for count in range(1, len(BACK_OFF_S) + 1):
        wait_for_status(open_api, job, "waiting", count)
        make_due(own.redis, job)
    delivery = wait_for_status(open_api, job, "given_up", len(BACK_OFF_S) + 1)
    assert delivery["next_attempt_at"] is None

    for status, code in (("given_up", 410), ("delivered", 204)):
        answer = open_api.post(f"{job['links']['deliveries']}/{delivery['id']}/redeliver")
        assert answer.status_code == 202
        DeliveryView.model_validate(answer.json())
        attempts = len(answer.json()["attempts"]) + 1
        assert wait_for_status(open_api, job, status, attempts)["attempts"][-1]["status_code"] == code
    assert len({each.id for each in receiver.received}) == 1


def test_what_is_unknown_cannot_be_sent_again(open_api: httpx.Client, own: Own, receiver: Receiver) -> None:
    job = submitted_to(open_api, receiver.url)
    work(own.store, job["id"])
    for each in ("none", "%C3%A4", f"msg_{job['id']}"):
        answer = open_api.post(f"{job['links']['deliveries']}/{each}/redeliver")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_delivery")


def test_deleting_a_job_ends_its_delivery(open_api: httpx.Client, own: Own, receiver: Receiver) -> None:
    receiver.statuses = [500]
    job, other = submitted_to(open_api, receiver.url), submitted_to(open_api, receiver.url, seed=1)
    work(own.store, job["id"])
    wait_for_status(open_api, job, "waiting", 1)
    assert open_api.delete(job["links"]["self"]).status_code == 204
    make_due(own.redis, job)
    assert open_api.get(job["links"]["deliveries"]).json()["code"] == "job_deleted"
    assert own.store.figures().deliveries_waiting == 0
    # One that is deleted while it runs is not told either. What is told next shows that nothing was.
    running = submitted_to(open_api, receiver.url, seed=2)
    open_api.delete(running["links"]["self"])
    work(own.store, other["id"])
    wait_for_status(open_api, other, "delivered", 1)
    assert [each.content["data"]["id"] for each in receiver.received] == [job["id"], other["id"]]


@pytest.mark.slow
def test_what_an_api_died_over_is_sent_by_another(own: Own, receiver: Receiver, tmp_path: Path) -> None:
    receiver.go_on.clear()
    log, port = tmp_path / "api.log", _free_port()
    command = [sys.executable, "-P", "-m", "uvicorn", "app.main:create_app", "--factory", "--port", str(port)]
    environment = {
        **os.environ,
        "CROZE_REDIS_URL": own.url,
        "CROZE_WEBHOOK_ALLOW_PRIVATE": "1",
        "CROZE_LOG_LEVEL": "DEBUG",
    }
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, stdout=stream, stderr=stream, env=environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        try:
            assert wait_until(lambda: _is_up(client), PATIENCE_S), log.read_text()
            job = submitted_to(client, receiver.url)
            work(own.store, job["id"])
            (first,) = receiver.wait_for(1)
        finally:
            process.send_signal(signal.SIGKILL)
    # It died in the middle, and nobody has heard of it.
    delivery = own.store.deliveries.get(job["id"])
    assert delivery is not None
    assert (delivery.status, delivery.attempts) == ("waiting", ())
    receiver.go_on.set()

    with (
        served(Settings(redis_url=own.url, webhook_allow_private=True)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        make_due(own.redis, job)
        assert receiver.wait_for(2)[1].id == first.id
        assert wait_for_status(client, job, "delivered", 1)["id"] == first.id
    assert SECRET not in log.read_text()
    assert "in-the-query" not in log.read_text()


def test_nothing_secret_is_answered_or_logged(
    open_api: httpx.Client, own: Own, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="croze"):
        job = submitted_to(open_api, receiver.url)
        work(own.store, job["id"])
        wait_for_status(open_api, job, "delivered", 1)
        bad = submit(open_api, webhook={"url": receiver.url, "secret": SECRET + "?"})
    assert bad.status_code == 422
    assert bad.json()["faults"][0]["at"] == "webhook.secret"
    answers = [open_api.get(path).text for path in (job["links"]["self"], "/v1/jobs", job["links"]["deliveries"])]
    for text in (bad.text, caplog.text, repr(own.store.jobs.get(job["id"])), *answers):
        assert SECRET.removeprefix("whsec_") not in text


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
