"""One architecture of a class is scored for all of them: at every step of a job's life, and said on each item."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import redis as redis_driver

from app.jobs.schemas import ItemView, JobView
from proxy.spaces import SPACES
from proxy.spaces.nasbench201.index import equivalence_classes, official_cells
from tests.app.driving import CELL, WORKER, cells, fail, queued, seen, submit, submitted, work
from workers import keys
from workers.records import ItemOutcome
from workers.store import Store


def twins(count: int) -> list[int]:
    """Official indexes of the first class with that many cells, smallest first."""
    classes = equivalence_classes()
    by_name: dict[int, list[int]] = {}
    for index, name in enumerate(classes):
        by_name.setdefault(name, []).append(index)
    return next(indexes for indexes in by_name.values() if len(indexes) >= count)[:count]


FIRST, SECOND, THIRD = twins(3)
OTHER = next(index for index, name in enumerate(equivalence_classes()) if name != equivalence_classes()[FIRST])


def architecture(index: int) -> str:
    return official_cells()[index].canonical


def isomorphic(api: httpx.Client, indexes: list[Any], **fields: Any) -> Any:
    """A job of cells by index that scores one of a class."""
    return submitted(api, architectures=indexes, **{"format": "nats_tss_index", "dedupe": "isomorphic", **fields})


def items_of(api: httpx.Client, job: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(job["links"]["scores"], params={"limit": 1000}).json()["items"]
    for item in items:
        ItemView.model_validate(item)
    return items


def represented_by(items: list[dict[str, Any]]) -> list[int | None]:
    return [item["representative"] and item["representative"]["index"] for item in items]


def test_by_default_each_architecture_is_scored_for_itself(api: httpx.Client, store: Store) -> None:
    job = submitted(api, architectures=[FIRST, SECOND], format="nats_tss_index")
    assert job["dedupe"] == "identical"
    assert represented_by(items_of(api, job)) == [None, None]
    claims = store.jobs.claim(job["id"], WORKER, 2)
    assert [claim.item.architecture for claim in claims] == [architecture(FIRST), architecture(SECOND)]


def test_the_first_of_a_class_is_scored_for_all_and_each_item_says_so(api: httpx.Client, store: Store) -> None:
    job = isomorphic(api, [SECOND, OTHER, FIRST, SECOND], proxies=["croze", "params"])

    JobView.model_validate(job)
    assert job["dedupe"] == "isomorphic"
    claims = store.jobs.claim(job["id"], WORKER, 4)
    assert [claim.item.architecture for claim in claims] == [
        architecture(index) for index in (SECOND, OTHER, SECOND, SECOND)
    ]
    items = items_of(api, job)
    # What was sent is what is shown, with its own size and facts.
    assert [item["architecture"] for item in items] == [architecture(index) for index in (SECOND, OTHER, FIRST, SECOND)]
    assert [item["facts"]["nasbench201_index"] for item in items] == [SECOND, OTHER, FIRST, SECOND]
    alone = items_of(api, submitted(api, architectures=[FIRST], format="nats_tss_index", seed=1))[0]
    assert (items[2]["params"], items[2]["macs"]) == (alone["params"], alone["macs"])
    assert represented_by(items) == [0, 1, 0, 0]
    assert [item["representative"]["architecture"] for item in items] == [
        architecture(index) for index in (SECOND, OTHER, SECOND, SECOND)
    ]


def test_what_is_known_of_the_first_is_known_of_all(api: httpx.Client, store: Store, redis: redis_driver.Redis) -> None:
    seen(store)
    work(store, submitted(api, architectures=[SECOND], format="nats_tss_index")["id"], value=7.0)
    redis.delete(f"rq:queue:{keys.QUEUE}")

    known = isomorphic(api, [SECOND, FIRST, THIRD])

    assert (known["status"], known["counts"]["scored"]) == ("completed", 3)
    assert [item["scores"]["croze"]["value"] for item in items_of(api, known)] == [7.0] * 3
    assert queued(redis) == 0
    # The first is another one here, of which nothing is known.
    assert isomorphic(api, [FIRST, SECOND])["counts"]["queued"] == 2


def test_the_whole_of_nasbench201_asks_for_6466_scores(api: httpx.Client, store: Store) -> None:
    job = isomorphic(api, list(range(15_625)))
    asked = [claim.item.architecture for claim in store.jobs.claim(job["id"], WORKER, 20_000)]
    assert len(asked) == 15_625
    assert len(set(asked)) == 6_466
    api.post(job["links"]["cancel"])


def test_the_order_of_pairs_makes_a_class_in_darts(api: httpx.Client, store: Store) -> None:
    example: Any = SPACES["darts"].formats["darts_json"].example
    first, second, *rest = example["normal"]
    swapped = {**example, "normal": [second, first, *rest]}
    swapped_thrice = {**swapped, "reduce": [example["reduce"][1], example["reduce"][0], *example["reduce"][2:]]}
    body = {"space": "darts", "architectures": [swapped, example, swapped_thrice], "dedupe": "isomorphic"}
    job = submitted(api, **body, settings={"channels": 4, "layers": 3})
    claims = store.jobs.claim(job["id"], WORKER, 3)
    assert len({claim.item.architecture for claim in claims}) == 1
    assert represented_by(items_of(api, job)) == [0, 0, 0]
    assert len({item["architecture"] for item in items_of(api, job)}) == 3


def test_bad_genotypes_stand_for_nobody(api: httpx.Client, store: Store) -> None:
    job = isomorphic(api, ["nonsense", SECOND, "nonsense", FIRST], on_invalid="fail")
    assert represented_by(items_of(api, job)) == [None, 1, None, 1]
    assert work(store, job["id"]) == [1, 3]
    ended = api.get(job["links"]["self"]).json()
    assert (ended["status"], ended["counts"]["scored"], ended["counts"]["failed"]) == ("completed", 2, 2)


def test_a_retry_scores_what_was_to_be_scored_before(api: httpx.Client, store: Store) -> None:
    job = isomorphic(api, [FIRST, SECOND, OTHER, THIRD])
    work(store, job["id"], limit=1)
    for code in ("timeout", "out_of_memory", "timeout"):
        fail(store, job["id"], code)

    again = api.post(job["links"]["retry"]).json()

    assert again["dedupe"] == "isomorphic"
    items = items_of(api, again)
    assert [item["architecture"] for item in items] == [architecture(index) for index in (SECOND, OTHER, THIRD)]
    # The first of the class has its score already, in the other job.
    assert represented_by(items) == [None, 1, None]
    assert [item["representative"]["architecture"] for item in items] == [
        architecture(index) for index in (FIRST, OTHER, FIRST)
    ]
    claims = store.jobs.claim(again["id"], WORKER, 3)
    assert [claim.item.architecture for claim in claims] == [architecture(index) for index in (FIRST, OTHER, FIRST)]
    for claim in claims:
        failed = ItemOutcome(status="failed", scores={}, error={"code": "timeout", "message": "it did"})
        store.jobs.record(again["id"], WORKER, claim.item.index, failed, {})
    third = api.post(again["links"]["retry"]).json()
    assert represented_by(items_of(api, third)) == [None, 1, None]


def test_canceling_keeps_what_is_there(api: httpx.Client, store: Store) -> None:
    job = isomorphic(api, [FIRST, SECOND])
    work(store, job["id"], limit=1)
    canceled = api.post(job["links"]["cancel"]).json()
    assert (canceled["counts"]["scored"], canceled["counts"]["canceled"]) == (1, 1)
    assert represented_by(items_of(api, canceled)) == [0, 0]


def test_it_is_part_of_what_makes_a_request_the_same(api: httpx.Client) -> None:
    body: dict[str, Any] = {"space": "nasbench201", "architectures": [CELL], "dedupe": "isomorphic"}
    first = api.put("/v1/jobs/mine", json=body)
    assert first.status_code == 202
    assert api.put("/v1/jobs/mine", json=body).json() == first.json()
    other = api.put("/v1/jobs/mine", json=body | {"dedupe": "identical"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"dedupe": "isomorphic", "layers": True}, ["layers", "isomorphic", "leave one of them out"]),
        ({"dedupe": "equal"}, ["'equal'", "identical or isomorphic"]),
        ({"dedupe": None}, ["None", "identical or isomorphic"]),
    ],
)
def test_what_cannot_be_asked_for(api: httpx.Client, fields: dict[str, Any], said: list[str]) -> None:
    answer = submit(api, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert all(part in answer.json()["detail"] for part in said), answer.text


def test_streams_say_it_too(api: httpx.Client, store: Store) -> None:
    job = isomorphic(api, [FIRST, SECOND])
    work(store, job["id"])
    lines = api.get(job["links"]["scores"], headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert len(lines) == len(cells(2))
    for line in lines:
        assert ItemView.model_validate_json(line).representative is not None
