"""[T] What is reserved for results is more than they take, and not many times as much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256

import pytest
import redis as redis_driver

from proxy.proxies import PROXIES
from proxy.scorer import Scorer
from proxy.spaces import SPACES, get_space
from proxy.task import Score
from tests.workers.jobs import AGGREGATE, BATCH, new_items, new_job
from tests.workers.store.test_admission import memory_limit
from workers import keys
from workers.errors import StoreFull
from workers.outcomes import outcome_of
from workers.records import ItemSpec, JobSpec
from workers.store import Store
from workers.store.admission import MEMORY_SHARE, result_bytes

#: An entry in Redis' table of keys, and one in that of their lifetimes.
_ENTRY = 64
_COUNT = 20


@cache
def computed(proxies: tuple[str, ...], seed: int) -> list[Score]:
    """Real ones, of a small network."""
    (item,) = new_items(1)
    task = replace(new_job(proxies=proxies).task(item.architecture), seed=seed, precision="float32")
    return Scorer().score(task, BATCH)


def scores_of(proxies: tuple[str, ...], seed: int) -> dict[str, Score]:
    """Two seeds are enough to show what any takes."""
    return {score.proxy: replace(score, seed=seed) for score in computed(proxies, seed % 2)}


def memory(redis: redis_driver.Redis) -> int:
    """Bytes of all keys, each measured as a whole."""
    return sum(int(redis.memory_usage(key, samples=0) or 0) + _ENTRY for key in redis.scan_iter("croze:1:*"))


def record_all(store: Store, job: JobSpec, items: Sequence[ItemSpec]) -> None:
    for item in items:
        tasks = job.tasks(item.architecture)
        scores = [{name: scores_of(job.proxies, task.seed)[name] for name in task.proxies} for task in tasks]
        # As if no two were the same network.
        keep = {
            sha256(f"{item.index} {task.seed} {name}".encode()).hexdigest(): score
            for task, found in zip(tasks, scores, strict=True)
            for name, score in found.items()
        }
        outcome = outcome_of(job, [{name: score.to_json() for name, score in found.items()} for found in scores])
        assert store.jobs.record(job.id, "w", item.index, outcome, keep)


@pytest.mark.parametrize("seeds", [1, 2, 16])
@pytest.mark.parametrize("proxies", [("croze",), ("params",), ("croze", "params"), tuple(PROXIES)], ids=len)
def test_results_take_less_than_was_reserved(
    store: Store, redis: redis_driver.Redis, proxies: tuple[str, ...], seeds: int
) -> None:
    ranked = AGGREGATE if proxies == AGGREGATE.proxies else None
    job = new_job(proxies=proxies, seeds=tuple(range(seeds))[: seeds if seeds > 1 else 0], aggregate=ranked)
    items = new_items(_COUNT)
    store.jobs.create(job, items, {})
    before = memory(redis)

    record_all(store, job, items)

    found = store.jobs.get(job.id)
    assert found is not None
    assert found.counts.scored == _COUNT
    taken = (memory(redis) - before) / _COUNT
    assert result_bytes(job, items) / 3 < taken < 0.9 * result_bytes(job, items)


@pytest.mark.parametrize("space", SPACES)
def test_tables_of_layers_take_less_than_was_reserved(space: str) -> None:
    """Of an architecture with as many layers as eight operations, or six, can have."""
    cell = ", ".join(f"('sep_conv_3x3', {number % 2})" for number in range(8))
    largest: dict[str, object] = {
        "nasbench201": "+".join(
            "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"[: 15 * node + 1] for node in (1, 2, 3)
        ),
        "darts": f"Genotype(normal=[{cell}], normal_concat=[2, 3, 4, 5], reduce=[{cell}], reduce_concat=[2, 3, 4, 5])",
    }
    known = get_space(space)
    architecture = known.parse(largest[space]).architecture.canonical
    for depth in (1, 4):
        sizes = {"channels": 4, "cells" if space == "nasbench201" else "layers": depth}
        settings = known.complete_settings(sizes, BATCH.classes)
        job = new_job(space=space, settings=settings, proxies=("croze", "snip"), layers=True)
        (item,) = new_items(1)
        scores = Scorer().score(job.task(architecture), BATCH)
        outcome = outcome_of(job, [{score.proxy: score.to_json() for score in scores}])
        reserved = result_bytes(job, [replace(item, architecture=architecture)])
        assert reserved / 10 < len(str(outcome.scores)) < reserved


def test_a_job_of_many_seeds_and_proxies_reserves_room_for_all_of_them(store: Store, redis: redis_driver.Redis) -> None:
    one, many = new_job(), new_job(proxies=tuple(PROXIES), seeds=tuple(range(16)))
    items = new_items(100)
    assert result_bytes(many, items) > 50 * result_bytes(one, items)
    with memory_limit(redis, 0.6) as used:
        fitting = (int(used / 0.6) - used) // result_bytes(many, items)
        assert fitting < len(items)
        with pytest.raises(StoreFull, match=r"of this one up to \d+ MiB; .* proxies or seeds"):
            store.jobs.create(many, items, {})
        accepted = new_items(fitting // 2)
        store.jobs.create(many, accepted, {})
        with pytest.raises(StoreFull):
            store.jobs.create(replace(many, id="1" * 32), new_items(fitting * 3 // 4), {})
        store.jobs.create(one, items, {})
        assert int(redis.hget(keys.OPEN_ITEMS, keys.OPEN_BYTES) or 0) == (
            len(accepted) * result_bytes(many, items) + len(items) * result_bytes(one, items)
        )
        store.jobs.cancel(many.id)
        store.jobs.cancel(one.id)
    assert not redis.exists(keys.OPEN_ITEMS)


def test_what_is_kept_for_results_is_not_given_to_uploads(store: Store, redis: redis_driver.Redis) -> None:
    with memory_limit(redis, 0.5) as room:
        job, (item,) = new_job(), new_items(1)
        items = [replace(item, index=index) for index in range(int(0.6 * room) // result_bytes(job, []))]
        store.jobs.create(job, items, {})
        store.check_memory()
        redis.setrange("upload", int(0.44 * room), "x")
        assert int(redis.info("memory")["used_memory"]) < MEMORY_SHARE * 2 * room
        with pytest.raises(StoreFull, match=r"kept for the results of jobs .* up to \d+ MiB; "):
            store.check_memory()
