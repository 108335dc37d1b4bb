"""Jobs, items and outcomes for tests of the store and of workers."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from proxy.spaces import get_space
from proxy.task import Environment, Score
from tests.workers.scoring import small_batch
from workers.aggregates import AggregateSpec
from workers.records import Claim, ItemOutcome, ItemSpec, Job, JobSpec
from workers.store import Store

ENVIRONMENT = Environment(device="cpu", capability="AVX2", torch="2.13.0")
BATCH = small_batch()
NASBENCH201 = get_space("nasbench201")

#: Cheap to score: little but skips and nothing.
_OPERATIONS = ("skip_connect", "none", "nor_conv_1x1")


#: Of the proxies of a job that wants it.
AGGREGATE = AggregateSpec(name="croze+params", method="log_rank", proxies=("croze", "params"))


def new_job(**changes: Any) -> JobSpec:
    """A job of small NAS-Bench-201 networks, with an id of its own."""
    job = JobSpec(
        id=secrets.token_hex(16),
        space="nasbench201",
        settings=NASBENCH201.complete_settings({"channels": 4, "cells": 1}, BATCH.classes),
        proxies=("croze",),
        seed=0,
        batch=BATCH.digest,
        batch_name=BATCH.name,
        precision="float64",
    )
    return replace(job, **changes)


def cell(number: int) -> str:
    """A cheap architecture, another one for each number below 243."""
    first, *rest = (_OPERATIONS[number // 3**place % 3] for place in range(5))
    return f"|nor_conv_3x3~0|+|{first}~0|{rest[0]}~1|+|{rest[1]}~0|{rest[2]}~1|{rest[3]}~2|"


def new_items(count: int) -> list[ItemSpec]:
    """That many different items."""
    return [
        ItemSpec(
            index=index,
            id=f"mine-{index}" if index % 2 else None,
            architecture=cell(index),
            format="nb201_str",
            params=1000 + index,
            macs=2000 + index,
            facts={"connected": True},
        )
        for index in range(count)
    ]


def submit(store: Store, count: int, **changes: Any) -> Job:
    """A new job of that many items."""
    return store.jobs.create(new_job(**changes), new_items(count), {})


def score(value: float = 1.5, proxy: str = "croze") -> Score:
    return Score(
        proxy=proxy,
        status="scored",
        value=value,
        direction="higher_is_better",
        components={"features": 2.0},
        batch=BATCH.digest,
        seed=0,
        precision="float64",
        computed_in="float64",
        revision=1,
        environment=ENVIRONMENT,
        seconds=0.25,
    )


def scored(value: float = 1.5) -> ItemOutcome:
    return ItemOutcome(status="scored", scores={"croze": score(value).to_json()})


def scored_by_both(value: float | None, params: float | None = None) -> ItemOutcome:
    """Values by both proxies of `AGGREGATE`; the same if the second is not given. None: croze has none."""
    one = score(0.0 if value is None else value)
    if value is None:
        one = replace(one, status="failed", value=None, error={"code": "non_finite", "message": "it is not"})
    other = score(params if params is not None else value or 0.0, "params")
    status: Literal["scored", "failed"] = "failed" if value is None else "scored"
    return ItemOutcome(status=status, scores={"croze": one.to_json(), "params": other.to_json()})


def failed(code: str = "engine_crashed") -> ItemOutcome:
    return ItemOutcome(status="failed", scores={}, error={"code": code, "message": f"it was {code}"})


def indexes(claims: Iterable[Claim]) -> list[int]:
    return [claim.item.index for claim in claims]


def finish_all(store: Store, job_id: str, worker_id: str = "w") -> Sequence[int]:
    """Claim and record every open item. Returns their indexes."""
    taken = indexes(store.jobs.claim(job_id, worker_id, 1000))
    for index in taken:
        assert store.jobs.record(job_id, worker_id, index, scored(), {})
    return taken
