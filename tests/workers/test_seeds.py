"""Several seeds of one item: each is a score of its own, computed once, and none is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import redis as redis_driver

from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import usual
from tests.workers.jobs import new_job, score, submit
from tests.workers.test_workbench import Bench, bench, codes, get, work_until_ended
from workers import keys
from workers.errors import EngineDied, EngineFailure, EngineTimeout, StoreUnavailable
from workers.records import Item
from workers.store import Store

__all__ = ["bench"]

SEEDS = (3, 1, 2)
SEVERAL: dict[str, Any] = {"seed": 3, "seeds": SEEDS}


def by_seed(task: ScoringTask) -> list[Score]:
    """Each seed has its number as its value."""
    return [replace(score(float(task.seed), proxy), seed=task.seed) for proxy in task.proxies]


def asked(bench: Bench) -> list[tuple[int, tuple[str, ...]]]:
    """What the engine was asked for."""
    return [(task.seed, task.proxies) for task in bench.engine.tasks]


def croze_of(item: Item) -> Any:
    assert item.outcome is not None
    return item.outcome.scores["croze"]


def test_an_item_ends_when_all_its_seeds_have_been_scored(bench: Bench, store: Store) -> None:
    bench.engine.answer = by_seed
    (item,) = work_until_ended(bench, store, submit(store, 1, **SEVERAL).spec.id)
    assert item.status == "scored"
    assert croze_of(item)["value"] == 2.0
    assert croze_of(item)["spread"] == {
        "seeds": [3, 1, 2], "values": [3.0, 1.0, 2.0], "std": 1.0, "stderr": pytest.approx(3**-0.5), "cached": 0,
    }  # fmt: skip
    assert bench.scored == 1


def test_what_does_not_depend_on_the_seed_is_computed_once(bench: Bench, store: Store) -> None:
    bench.engine.answer = by_seed
    job_id = submit(store, 1, proxies=("params", "croze"), **SEVERAL).spec.id
    (item,) = work_until_ended(bench, store, job_id)
    assert asked(bench) == [(3, ("params", "croze")), (1, ("croze",)), (2, ("croze",))]
    assert item.outcome is not None
    assert [*item.outcome.scores] == ["params", "croze"]
    assert item.outcome.scores["params"]["value"] == 3.0
    assert "spread" not in item.outcome.scores["params"]
    bench.engine.tasks.clear()
    work_until_ended(bench, store, submit(store, 2, proxies=("params",), **SEVERAL).spec.id)
    assert asked(bench) == [(3, ("params",))]


def test_known_seeds_are_not_computed_again_and_several_teach_each(bench: Bench, store: Store) -> None:
    bench.engine.answer = by_seed
    work_until_ended(bench, store, submit(store, 1, seed=1).spec.id)
    (item,) = work_until_ended(bench, store, submit(store, 1, **SEVERAL).spec.id)
    assert asked(bench) == [(1, ("croze",)), (3, ("croze",)), (2, ("croze",))]
    assert (croze_of(item)["cached"], croze_of(item)["spread"]["cached"]) == (False, 1)
    (one,) = work_until_ended(bench, store, submit(store, 1, seed=2).spec.id)
    assert (croze_of(one)["value"], croze_of(one)["cached"], len(asked(bench))) == (2.0, True, 3)
    (again,) = work_until_ended(bench, store, submit(store, 1, **SEVERAL).spec.id)
    assert (croze_of(again)["cached"], croze_of(again)["value"], len(asked(bench))) == (True, 2.0, 3)


def test_after_a_death_only_what_is_missing_is_computed(bench: Bench, store: Store) -> None:
    deaths = [EngineDied("killed")]

    def answer(task: ScoringTask) -> list[Score]:
        if task.seed == SEEDS[-1] and deaths:
            raise deaths.pop()
        return by_seed(task)

    bench.engine.answer = answer
    (item,) = work_until_ended(bench, store, submit(store, 1, **SEVERAL).spec.id)
    assert item.status == "scored"
    assert [seed for seed, _ in asked(bench)] == [3, 1, 2, 2]


@pytest.mark.parametrize("trouble", [EngineTimeout("slow"), EngineDied("killed")], ids=["timeout", "death"])
def test_a_seed_that_fails_as_a_whole_fails_the_item_and_is_named(
    bench: Bench, store: Store, trouble: EngineFailure
) -> None:
    def answer(task: ScoringTask) -> list[Score]:
        if task.seed == 1:
            raise type(trouble)(trouble.message)
        return by_seed(task)

    bench.engine.answer = answer
    items = work_until_ended(bench, store, submit(store, 1, **SEVERAL).spec.id)
    assert codes(items) == [trouble.code]
    assert items[0].outcome is not None
    assert items[0].outcome.error is not None
    assert items[0].outcome.error["message"].startswith("seed 1: ")
    assert 2 not in [seed for seed, _ in asked(bench)]


def test_a_seed_without_a_value_leaves_no_mean(bench: Bench, store: Store) -> None:
    error = {"code": "non_finite", "message": "it is not"}

    def answer(task: ScoringTask) -> list[Score]:
        if task.seed == 1:
            return [replace(score(), status="failed", value=None, error=error)]
        return by_seed(task)

    bench.engine.answer = answer
    (item,) = work_until_ended(bench, store, submit(store, 1, **SEVERAL).spec.id)
    assert (item.status, croze_of(item)["value"]) == ("failed", None)
    assert croze_of(item)["error"] == {"code": "non_finite", "message": "seed 1: it is not"}
    assert croze_of(item)["spread"]["values"] == [3.0, None, 2.0]


def test_only_the_seed_in_hand_is_reserved(bench: Bench, store: Store, redis: redis_driver.Redis) -> None:
    reserved = []

    def answer(task: ScoringTask) -> list[Score]:
        reserved.append(len(redis.keys(f"{keys.PREFIX}reserved:*")))
        return usual(task)

    bench.engine.answer = answer
    work_until_ended(bench, store, submit(store, 1, **SEVERAL).spec.id)
    assert reserved == [1, 1, 1]
    assert redis.keys(f"{keys.PREFIX}reserved:*") == []


def test_a_seed_that_another_worker_computes_is_waited_for_and_the_others_are_not_lost(
    bench: Bench, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "DEFER_S", 0.001)
    other = Bench(store)
    other.worker_id = other.reservations._worker_id = "other"
    single, several = submit(store, 1, seed=2).spec.id, submit(store, 1, **SEVERAL).spec.id

    def meanwhile(task: ScoringTask) -> list[Score]:
        bench.work_on(several)
        return by_seed(task)

    bench.engine.answer, other.engine.answer = by_seed, meanwhile
    other.work_on(single)
    assert get(store, single).status == "completed"
    assert [seed for seed, _ in asked(bench)] == [3, 1]
    (item,) = work_until_ended(bench, store, several)
    assert [seed for seed, _ in asked(bench)] == [3, 1]
    assert croze_of(item)["value"] == 2.0


def test_what_a_seed_gave_waits_for_redis(bench: Bench, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real, away = store.scores.remember, [StoreUnavailable("away"), StoreUnavailable("away")]

    def remember(*args: Any) -> None:
        if away:
            raise away.pop()
        real(*args)

    monkeypatch.setattr(store.scores, "remember", remember)
    bench.engine.answer = by_seed
    bench.work_on(submit(store, 1, **SEVERAL).spec.id)
    assert len(asked(bench)) == 3
    assert away == []


def test_a_job_of_several_seeds_survives_json(store: Store) -> None:
    spec = new_job(**SEVERAL)
    job = submit(store, 1, **SEVERAL)
    assert job.spec.seeds == SEEDS
    assert "seeds=1" in job.needs, "an older release would take the first for all"
    assert "seeds=1" not in submit(store, 1).needs
    assert [task.seed for task in spec.tasks("a")] == [*SEEDS]
    assert [task.seed for task in new_job(seed=4).tasks("a")] == [4]
