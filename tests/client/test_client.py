"""Both clients against the real API: what they give, and what they say when something is wrong."""

from __future__ import annotations

import asyncio

import pytest
from croze_client import (
    AccessDenied,
    Architecture,
    AsyncClient,
    BadInput,
    Client,
    Conflict,
    JobGone,
    JobUnknown,
    Patience,
    Progress,
    Refused,
    ServiceUnreachable,
    WaitTimeout,
)

from tests.app.driving import CELL
from tests.client.blocking import Blocking
from tests.client.conftest import AnyClient, working
from workers.store import Store


@pytest.mark.usefixtures("worker")
def test_scores_come_in_the_order_of_the_request_and_bad_ones_are_results_too(client: AnyClient) -> None:
    told: list[Progress] = []

    results = client.score([3, Architecture(CELL, format="nb201_str", id="mine"), "nonsense", 5], progress=told.append)

    assert [result.index for result in results] == [0, 1, 2, 3]
    assert [result.score for result in results] == [1.5, 2.5, None, 4.5]
    assert [result.loss for result in results] == [-1.5, -2.5, float("inf"), -4.5]
    assert [result.ok for result in results] == [True, True, False, True]
    assert (results[1].id, results[1].architecture, results[1].facts["nasbench201_index"]) == ("mine", CELL, 2631)
    assert results[2].error is not None
    assert results[2].error.code in ("unknown_format", "invalid_architecture")
    assert results[2].error.faults or "nonsense" in results[2].error.message
    assert told[0] == Progress(0, 4, 0)
    assert told[-1] == Progress(4, 4, 1)


@pytest.mark.usefixtures("worker")
def test_a_job_step_by_step(client: AnyClient) -> None:
    job = client.submit(range(5), job_id="warm-up", metadata={"of": "mine"})
    assert (job.id, job.counts.total, job.raw["metadata"]) == ("warm-up", 5, {"of": "mine"})

    streamed = list(client.stream("warm-up"))
    assert sorted(result.index for result in streamed) == [0, 1, 2, 3, 4]
    ended = client.wait("warm-up", timeout=60)
    assert (ended.status, ended.ended, ended.counts.scored) == ("completed", True, 5)
    assert [result.score for result in client.results("warm-up")] == [1.5, 2.5, 3.5, 4.5, 5.5]
    assert list(client.stream(ended)) == streamed

    client.delete(job)
    client.delete(job)
    with pytest.raises(JobGone) as caught:
        client.wait("warm-up")
    assert caught.value.code == "job_deleted"


@pytest.mark.usefixtures("worker")
def test_the_same_call_with_the_same_key_is_the_same_job(client: AnyClient) -> None:
    job = client.submit([1, 2], key="generation-1")
    assert client.submit([1, 2], key="generation-1").id == job.id
    assert [result.score for result in client.score([1, 2], key="generation-1")] == [1.5, 2.5]
    with pytest.raises(Conflict) as caught:
        client.score([1, 3], key="generation-1")
    assert caught.value.code == "idempotency_mismatch"
    with pytest.raises(BadInput, match="both a key and an id"):
        client.submit([1], key="a", job_id="b")


def test_an_evaluator_asks_for_each_architecture_once(client: AnyClient, store: Store) -> None:
    evaluate = client.evaluator()
    with working(store):
        assert evaluate.scores([1, 2, 1]) == [1.5, 2.5, 1.5]
        results = evaluate([2, Architecture(7, id="new"), 1, "nonsense"])
    assert [(result.index, result.id, result.score) for result in results] == [
        (0, None, 2.5),
        (1, "new", 1.5),
        (2, None, 1.5),
        (3, None, None),
    ]
    assert len(evaluate) == 3
    assert evaluate([1, 7])[1].score == 1.5, "without anybody who scores"


def test_evaluations_at_the_same_time_do_not_mix_up_what_is_new(url: str, store: Store) -> None:
    async def two() -> tuple[list[float], list[float]]:
        async with AsyncClient(url, space="nasbench201", format="nats_tss_index") as client:
            evaluate = client.evaluator()
            return await asyncio.gather(evaluate.scores([1, 2]), evaluate.scores([3, 2, "nonsense", 1], failed=0.0))

    with working(store):
        first, second = asyncio.run(two())
    assert first == [1.5, 2.5]
    assert second[2] == 0.0
    assert all(score > 1 for place, score in enumerate(second) if place != 2)


def test_failed_items_can_be_scored_again(client: AnyClient, store: Store) -> None:
    job = client.submit([1, 2])
    with working(store, failing=lambda job_id: job_id == job.id):
        assert client.wait(job, timeout=60).counts.failed == 2
    failed = client.results(job)
    assert [result.status for result in failed] == ["failed", "failed"]
    assert [result.error.code for result in failed] == ["timeout", "timeout"]
    assert [result.value("croze") for result in failed] == [None, None]
    with working(store):
        again = client.wait(client.retry(job), timeout=60)
    assert (again.raw["retry_of"], again.counts.scored) == (job.id, 2)


def test_nobody_scores_so_waiting_has_an_end_and_canceling_has_too(client: AnyClient) -> None:
    job = client.submit([1, 2])
    with pytest.raises(WaitTimeout, match=r"0 of 2 items") as caught:
        client.wait(job, timeout=0.3)
    assert caught.value.job_id == job.id
    assert client.job(job).status == "queued"
    assert [result.status for result in client.results(job)] == ["queued", "queued"]
    assert client.cancel(job).status == "canceled"
    assert [result.status for result in client.stream(job)] == ["canceled", "canceled"]
    assert client.wait(job).status == "canceled"


@pytest.mark.parametrize(("key", "status"), [(None, "canceled"), ("kept", "queued")])
def test_who_leaves_early_cancels_what_nobody_can_ask_for_again(
    client: AnyClient, store: Store, key: str | None, status: str
) -> None:
    results = client.score_iter(["nonsense", 1, 2], key=key)
    assert next(results).status == "failed"
    (load,) = store.jobs.outlook().jobs
    results.close()
    job = store.jobs.get(load.id)
    assert job is not None
    assert job.status == status


@pytest.mark.parametrize("kind", [Client, Blocking])
def test_who_leaves_after_the_client_was_closed_is_told_of_nothing(kind: type[AnyClient], url: str) -> None:
    client = kind(url, space="nasbench201", format="nats_tss_index")
    with client:
        results = client.score_iter(["nonsense", 1])
        assert next(results).status == "failed"
        (client.close if kind is Client else client.aclose)()
        results.close()


def test_refusals_say_what_is_wrong_and_how_to_mend_it(client: AnyClient) -> None:
    with pytest.raises(Refused) as caught:
        client.score([1], proxies=["crozy"])
    error = caught.value
    assert (error.status, error.code) == (422, "unknown_proxy")
    assert "crozy" in error.problem
    assert "croze" in error.repair
    assert error.faults[0].at == "proxies[0]"
    assert error.request_id is not None
    with pytest.raises(Refused, match="no_such_field"):
        client.score([1], extra={"no_such_field": 1})
    with pytest.raises(JobUnknown):
        client.wait("never-heard-of")
    with pytest.raises(Refused):
        client.submit([1, "nonsense"], on_invalid="refuse")


def test_catalog_and_genotypes(client: AnyClient) -> None:
    spaces = client.spaces()
    assert set(spaces) == {"nasbench201", "darts"}
    assert spaces["nasbench201"].formats["nb201_str"].canonical
    assert client.workers() == []
    valid, invalid = client.validate([2631, "nonsense"])
    assert (valid.valid, valid.canonical, valid.error) == (True, CELL, None)
    assert valid.params is not None
    assert not invalid.valid
    assert invalid.error is not None
    (converted,) = client.convert([2631], "naslib_nb201")
    assert converted.converted == [4, 0, 3, 1, 4, 3]


@pytest.mark.usefixtures("worker")
def test_results_are_architectures_and_aggregates_are_final(client: AnyClient) -> None:
    first = client.score([4, 5, 6], aggregate={"proxies": ["croze", "params"]})
    assert sorted(result.aggregate.rank for result in first) == [1, 2, 3]
    job = client.submit([4, 5, 6], aggregate={"proxies": ["croze", "params"]})
    best = client.results(client.wait(job, timeout=60), "best")
    assert [result.aggregate.rank for result in best] == [1, 2, 3]
    again = client.score(first, format="nb201_str")
    assert [result.architecture for result in again] == [result.architecture for result in first]
    assert client.submit([7], seeds=[0, 1], dedupe="isomorphic").raw["seeds"] == [0, 1]


def test_nobody_is_there(url: str) -> None:
    with (
        Client("http://127.0.0.1:9", space="nasbench201", patience=Patience(first=0.2)) as client,
        pytest.raises(ServiceUnreachable, match="croze up"),
    ):
        client.score([1])


def test_a_key_is_sent_and_a_wrong_one_is_refused(url: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _, key = store.api_keys.add("alice", "user")
    with Client(url) as client, pytest.raises(AccessDenied) as caught:
        client.workers()
    assert caught.value.code == "missing_key"
    monkeypatch.setenv("CROZE_API_KEY", key)
    with Client(url) as client:
        assert client.workers() == []
    with pytest.raises(BadInput, match="API key"):
        Client(url, api_key="with space")
    with pytest.raises(BadInput, match="no URL"):
        Client("ftp://somewhere")
