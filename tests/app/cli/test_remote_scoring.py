"""Against the real API, with a worker's part played by hand: nothing here needs torch."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.cli import remote_scoring
from app.cli.architectures_file import Entry
from app.cli.errors import CommandError, UsageError
from app.cli.remote_scoring import RemoteScoring
from app.cli.scoring_request import ScoringOptions, ScoringRequest, check_request
from proxy.spaces.nasbench201.index import equivalence_classes
from tests.app.cli.conftest import Croze
from tests.app.driving import seen, work
from tests.workers.processes import wait_until
from workers import keys
from workers.store import Store


def request(count: int, **options: Any) -> ScoringRequest:
    given = ScoringOptions(**{"settings": {}, "precision": "float64", "batch": "cifar10:train[0:8]", **options})
    return check_request((Entry(f"cells.txt:{n + 1}", n, "nats_tss_index", f"cell {n}") for n in range(count)), given)


def job_ids(redis: redis_driver.Redis) -> list[str]:
    prefix = keys.JobKeys.of("").job
    names = [key.decode().removeprefix(prefix) for key in redis.scan_iter(f"{prefix}*")]
    return [name for name in names if ":" not in name]


@pytest.fixture
def url(api: httpx.Client) -> str:
    return str(api.base_url)


@pytest.fixture
def working(store: Store, redis: redis_driver.Redis) -> Iterator[None]:
    """A worker that scores whatever comes."""
    done = threading.Event()

    def loop() -> None:
        seen(store)
        while not done.wait(0.02):
            redis.delete(f"rq:queue:{keys.QUEUE}")  # it heard the bell
            for job_id in store.jobs.unrung():
                work(store, job_id)

    thread = threading.Thread(target=loop)
    thread.start()
    yield
    done.set()
    thread.join(10)


@pytest.mark.usefixtures("working")
def test_a_long_input_becomes_several_jobs_with_one_count(
    url: str, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_scoring, "MAX_JOB", 3)
    items = list(RemoteScoring(request(8), url).items())
    assert sorted((item["index"], item["id"]) for item in items) == [(n, f"cell {n}") for n in range(8)]
    assert len(job_ids(redis)) == 3


@pytest.mark.usefixtures("working")
def test_a_job_is_bounded_in_bytes_too(url: str, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_scoring, "MAX_JOB_BYTES", 250)
    assert len(list(RemoteScoring(request(4), url).items())) == 4
    assert len(job_ids(redis)) == 2


@pytest.mark.usefixtures("working")
def test_a_file_is_gone_on_with_and_only_the_rest_is_submitted(
    url: str, croze: Croze, store: Store, redis: redis_driver.Redis, tmp_path: Path
) -> None:
    file = tmp_path / "results.jsonl"
    command = ("score", *(f"index:{n}" for n in range(5)), "--url", url, "-o", str(file))
    assert croze(*command).exit_code == 0
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(whole[4] + whole[1] + whole[3][:50])

    done = croze(*command)

    assert done.exit_code == 0, done.err
    assert "holds 2 of 5 already" in done.err
    jobs = [store.jobs.get(job_id) for job_id in job_ids(redis)]
    assert sorted(job.counts.total for job in jobs if job is not None) == [3, 5]
    now = file.read_bytes().splitlines(keepends=True)
    assert (now[1], now[4]) == (whole[1], whole[4])
    for index, line in enumerate(now):
        item = json.loads(line)
        assert (item["index"], item["facts"]["nasbench201_index"], item["status"]) == (index, index, "scored")


@pytest.mark.usefixtures("working")
def test_results_of_a_service_that_understands_something_else_by_a_name_are_not_mixed_in(
    url: str, croze: Croze, tmp_path: Path
) -> None:
    file = tmp_path / "results.jsonl"
    assert croze("score", "index:0", "--url", url, "-o", str(file)).exit_code == 0
    content = re.sub(rb"sha256:\w{64}", b"sha256:" + b"0" * 64, file.read_bytes())
    file.write_bytes(content)
    done = croze("score", "index:0", "index:1", "--url", url, "-o", str(file))
    assert done.exit_code == 2
    assert f"batch: sha256:{'0' * 64} in the file, sha256:" in done.err
    assert file.read_bytes() == content


def test_leaving_early_cancels_the_job(url: str, store: Store, redis: redis_driver.Redis) -> None:
    items = RemoteScoring(request(5), url).items()

    def score_one() -> None:
        assert wait_until(lambda: bool(job_ids(redis)), 10)
        work(store, job_ids(redis)[0], limit=1)

    worker = threading.Thread(target=score_one)
    worker.start()
    assert next(items)["index"] == 0
    worker.join(10)
    items.close()
    (job_id,) = job_ids(redis)
    job = store.jobs.get(job_id)
    assert job is not None
    assert (job.status, job.counts.scored, job.counts.canceled) == ("canceled", 1, 4)


def test_a_job_that_somebody_else_cancels_ends_with_canceled_items(
    url: str, store: Store, redis: redis_driver.Redis
) -> None:
    def cancel() -> None:
        assert wait_until(lambda: bool(job_ids(redis)), 10)
        store.jobs.cancel(job_ids(redis)[0])

    canceler = threading.Thread(target=cancel)
    canceler.start()
    assert [item["status"] for item in RemoteScoring(request(2), url).items()] == ["canceled", "canceled"]
    canceler.join(10)


def test_a_broken_stream_is_opened_again(
    url: str, store: Store, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_scoring, "_RETRY_S", 0.05)
    whole = remote_scoring._stream
    opened = []

    def broken_once(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
        opened.append(path)
        work(store, job_ids(redis)[0], limit=1)
        for item in whole(client, path):
            yield item
            if len(opened) == 1:
                raise httpx.ReadError("the connection was cut")

    monkeypatch.setattr(remote_scoring, "_stream", broken_once)
    assert [item["index"] for item in RemoteScoring(request(2), url).items()] == [0, 1]
    assert len(opened) == 2


def test_patience_ends(url: str, redis: redis_driver.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_scoring, "_RETRY_S", 0.01)
    monkeypatch.setattr(remote_scoring, "PATIENCE_S", 0.2)

    def cut(_client: httpx.Client, _path: str) -> Iterator[dict[str, Any]]:
        raise httpx.ConnectError("gone")

    monkeypatch.setattr(remote_scoring, "_stream", cut)
    with pytest.raises(CommandError, match="gone"):
        list(RemoteScoring(request(1), url).items())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch": "cifar10:train[0:7000000]"}, "7000000"),
        ({"settings": {"channels": 4096}}, "cells.txt:1"),
    ],
)
def test_what_the_service_refuses_is_said_in_the_terms_of_the_command_line(
    url: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        list(RemoteScoring(request(2, **options), url).items())
    assert said in "\n".join([caught.value.message, *caught.value.details])
    assert "architectures[" not in caught.value.message


def test_another_kind_of_server_is_told_from_ours(url: str) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        list(RemoteScoring(request(1), f"{url}/docs").items())


@pytest.mark.usefixtures("working")
def test_the_key_comes_from_the_environment(
    url: str, croze: Croze, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CROZE_API_KEY", raising=False)
    _, token = store.api_keys.add("alice", "user")
    refused = croze("score", "index:12", "--url", url)
    assert refused.exit_code == 1
    assert "CROZE_API_KEY" in refused.err

    for bad in ("two words", "schlüssel", "line\n"):
        monkeypatch.setenv("CROZE_API_KEY", bad)
        assert croze("score", "index:12", "--url", url).exit_code == 2
    monkeypatch.setenv("CROZE_API_KEY", token)
    done = croze("score", "index:12", "--url", url, "--format", "json")

    assert done.exit_code == 0, done.err
    assert token not in done.err + done.out


@pytest.mark.usefixtures("working")
def test_a_busy_service_is_waited_for_and_asked_for_the_same_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, int]] = []
    whole = httpx.Client.post

    def busy_twice(client: httpx.Client, path: str, **what: Any) -> httpx.Response:
        answer = whole(client, path, **what)
        if len(sent) < 2:
            answer = httpx.Response(429 if sent else 503, headers={"Retry-After": "0"}, request=answer.request)
        sent.append((what["headers"]["Idempotency-Key"], answer.status_code))
        return answer

    monkeypatch.setattr(httpx.Client, "post", busy_twice)

    assert [item["index"] for item in RemoteScoring(request(2), url).items()] == [0, 1]
    assert [status for _, status in sent[:2]] == [503, 429]
    assert len({key for key, _ in sent}) == 1


def test_a_service_that_stays_busy_is_left(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(client: httpx.Client, path: str, **_: Any) -> httpx.Response:
        body = {"detail": "the queue is full"}
        return httpx.Response(429, json=body, headers={"Retry-After": "5"}, request=client.build_request("POST", path))

    monkeypatch.setattr(httpx.Client, "post", busy)
    monkeypatch.setattr(remote_scoring, "BUSY_PATIENCE_S", 1)

    with pytest.raises(CommandError, match="the queue is full") as caught:
        list(RemoteScoring(request(2), url).items())
    assert not isinstance(caught.value, UsageError)


@pytest.mark.usefixtures("working")
def test_a_service_is_asked_to_score_one_of_a_class(url: str) -> None:
    classes = equivalence_classes()
    second = next(index for index, name in enumerate(classes) if name != index)
    asked = [Entry(f"f:{index}", index, "nats_tss_index") for index in (second, classes[second])]
    options = ScoringOptions(settings={}, precision="float64", batch="cifar10:train[0:8]", dedupe="isomorphic")
    found: list[Any] = list(RemoteScoring(check_request(asked, options), url).items())
    items = sorted(found, key=lambda item: int(item["index"]))
    assert [item["representative"]["index"] for item in items] == [0, 0]
    assert [item["facts"]["nasbench201_index"] for item in items] == [second, classes[second]]
