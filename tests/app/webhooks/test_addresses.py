"""Nothing is sent to where only this service could get."""

from __future__ import annotations

import ipaddress
import threading

import httpx
import pytest

from app.settings import Settings
from app.webhooks import addresses
from app.webhooks.addresses import WebhookRefused, is_public, locate
from tests.app.conftest import served
from tests.app.driving import submit, work
from tests.app.webhooks.conftest import Own
from tests.app.webhooks.receiver import SECRET, Receiver, submitted_to, wait_for_status

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1", "::", "::1", "fe80::1", "fc00::1",
        "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "2001::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "https://[::1]:8443/", "http://2130706433/", "http://0x7f.1/",
        "http://127.1/", "http://[::ffff:127.0.0.1]/", "http://[fe80::1%25lo]/", "http://10.0.0.1/", "ftp://8.8.8.8/",
        "file:///etc/passwd", "http://me:secret@8.8.8.8/", "http:///", "example.org", "http://8.8.8.8:99999/",
        "http://a b/", "http://8.8.8.8:0/", "http://exa\x00mple.org/",
    ],
)  # fmt: skip
def test_other_urls_are_refused_at_submit(api: httpx.Client, url: str) -> None:
    answer = submit(api, webhook={"url": url, "secret": SECRET})
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook_refused"), answer.text
    (fault,) = answer.json()["faults"]
    assert fault["at"] == "webhook.url"
    assert "CROZE_WEBHOOK_ALLOW_PRIVATE" in fault["repair"] or "check the name" in fault["repair"]
    assert api.get("/v1/jobs").json()["items"] == [], "nothing was queued"


def test_one_private_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "look_up", lambda *_: [PUBLIC, "10.0.0.1"])
    with pytest.raises(WebhookRefused, match="not public"):
        locate("http://example.org", allow_private=False)
    assert len(locate("http://example.org", allow_private=True).addresses) == 2


def test_a_name_that_is_not_found_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    never, asked = threading.Event(), threading.Event()

    def look_up(*_: object) -> list[str]:
        asked.set()
        never.wait(60)
        return [PUBLIC]

    monkeypatch.setattr(addresses, "look_up", look_up)
    monkeypatch.setattr(addresses, "LOOK_UP_S", 0.05)
    with pytest.raises(WebhookRefused, match="cannot be found"):
        locate("http://example.org", allow_private=False)
    assert asked.is_set()
    never.set()


def test_a_name_that_changes_after_submit_leads_nowhere(
    own: Own, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [PUBLIC]
    monkeypatch.setattr(addresses, "look_up", lambda *_: found)
    with served(Settings(redis_url=own.url)) as url, httpx.Client(base_url=url, timeout=60) as client:
        job = submitted_to(client, f"http://rebinding.example:{receiver.port}/")
        found[:] = ["127.0.0.1"]
        work(own.store, job["id"])
        delivery = wait_for_status(client, job, "waiting", 1)
    assert delivery["attempts"][0]["status_code"] is None
    assert delivery["attempts"][0]["error"].startswith("webhook_refused: ")
    assert receiver.received == []


def test_the_address_that_was_checked_is_the_one_connected_to(
    own: Own, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name nobody could find it, and the name is told all the same. The first address does not answer."""
    monkeypatch.setattr(addresses, "look_up", lambda *_: ["::1", "127.0.0.1"])
    settings = Settings(redis_url=own.url, webhook_allow_private=True)
    with served(settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        job = submitted_to(client, f"http://nobody.invalid:{receiver.port}/")
        work(own.store, job["id"])
        (told,) = receiver.wait_for(1)
        wait_for_status(client, job, "delivered", 1)
    assert told.headers["host"] == f"nobody.invalid:{receiver.port}"


@pytest.mark.parametrize(
    ("webhook", "at"),
    [
        ({}, "webhook.url"),
        ({"url": "http://8.8.8.8/"}, "webhook.secret"),
        ({"url": "http://8.8.8.8/", "secret": "whsec_short"}, "webhook.secret"),
        ({"url": "http://8.8.8.8/", "secret": 5}, "webhook.secret"),
        ({"url": "http://8.8.8.8/", "secret": SECRET, "events": []}, "webhook.events"),
        ({"url": "http://8.8.8.8/", "secret": SECRET, "events": ["job.started"]}, "webhook.events"),
        ({"url": "http://8.8.8.8/", "secret": SECRET, "event": 1}, "webhook.event"),
        ({"url": "http://\ud800/", "secret": SECRET}, "webhook.url"),
        ("http://8.8.8.8/", "webhook"),
    ],
)
def test_faults_of_the_object_have_a_place(api: httpx.Client, webhook: object, at: str) -> None:
    answer = submit(api, webhook=webhook)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert at in [fault["at"] for fault in answer.json()["faults"]]


def test_the_webhook_is_part_of_the_request(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "look_up", lambda *_: [PUBLIC])
    body = {"space": "nasbench201", "format": "nats_tss_index", "architectures": [1]}
    webhook = {"url": "https://example.org/", "secret": SECRET}
    whole = {**webhook, "events": ["job.completed", "job.canceled"]}
    first = api.put("/v1/jobs/mine", json={**body, "webhook": webhook})
    assert first.status_code == 202
    assert first.json()["webhook"] == {key: value for key, value in whole.items() if key != "secret"}
    assert api.put("/v1/jobs/mine", json={**body, "webhook": whole}).json() == first.json()
    other = api.put("/v1/jobs/mine", json={**body, "webhook": {**webhook, "url": "https://example.com/"}})
    assert other.json()["code"] == "idempotency_mismatch"
    assert api.put("/v1/jobs/mine", json=body).json()["code"] == "idempotency_mismatch"
