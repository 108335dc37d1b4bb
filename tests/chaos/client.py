"""A client that does what the manual says: it repeats what was not answered, and waits when it is told to."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx

from proxy.data import DEFAULT_BATCH, load_batch
from proxy.spaces import get_space
from proxy.task import ScoringTask
from workers.engine_pool import EnginePool

#: Of the official network's shape, and cheaper.
SETTINGS: Final = {"channels": 6, "cells": 1}
PRECISION: Final = "float64"
#: What every job ranks its items by.
RANKED_BY: Final = ("croze", "params")
#: Longer than anything that is killed takes to come back.
PATIENCE_S: Final = 180.0
_PAUSE_S: Final = 0.2


@dataclass(frozen=True)
class Wanted:
    """A job with known answers: the same architectures as all others, with a seed of its own."""

    id: str
    seed: int
    indexes: tuple[int, ...]

    def body(self) -> dict[str, Any]:
        return {
            "space": "nasbench201",
            "settings": SETTINGS,
            "architectures": list(self.indexes),
            "format": "nats_tss_index",
            "aggregate": {"proxies": [*RANKED_BY]},
            "precision": PRECISION,
            "seed": self.seed,
        }

    def undisturbed(self, pool: EnginePool) -> list[float | None]:
        """The scores, computed without any service."""
        space, batch = get_space("nasbench201"), load_batch(DEFAULT_BATCH)
        settings = space.complete_settings(SETTINGS, batch.classes)
        tasks = [
            ScoringTask(
                space=space.name,
                architecture=space.parse(index, "nats_tss_index").architecture.canonical,
                settings=settings,
                proxies=("croze",),
                batch=batch.digest,
                seed=self.seed,
                precision=PRECISION,
            )
            for index in self.indexes
        ]
        outcomes = dict(pool.score(tasks, batch))
        values: list[float | None] = []
        for position in range(len(tasks)):
            outcome = outcomes[position]
            assert isinstance(outcome, list), f"undisturbed, item {position} failed: {outcome}"
            values.append(outcome[0].value)
        return values


def new_job(chance: random.Random, items: int, seed: int) -> Wanted:
    """Other architectures each time."""
    indexes = tuple(chance.sample(range(15_625), items))
    return Wanted(UUID(int=chance.getrandbits(128), version=4).hex, seed, indexes)


@dataclass
class Client:
    """Asks until it is answered. 503 is an answer that says to ask again; any other 5xx is a mistake of the service."""

    url: str
    repeats: int = 0
    """Requests that had to be sent again."""
    mistakes: list[str] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    """How many of each status."""

    def submit(self, job: Wanted) -> None:
        answer = self._ask("PUT", f"/v1/jobs/{job.id}", json=job.body())
        assert answer.status_code in (200, 202), answer.text

    def ended(self, job: Wanted) -> bool:
        return self._ask("GET", f"/v1/jobs/{job.id}").json()["finished_at"] is not None

    def items(self, job: Wanted) -> list[dict[str, Any]]:
        """All items of a job that has ended, in the order of the request, each once."""
        headers = {"Accept": "application/x-ndjson"}
        lines = self._ask("GET", f"/v1/jobs/{job.id}/scores", headers=headers).text.splitlines()
        return sorted(map(json.loads, lines), key=lambda item: int(item["index"]))

    def _ask(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            pause = _PAUSE_S
            try:
                answer = httpx.request(method, self.url + path, timeout=30.0, trust_env=False, **arguments)
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__}: {error}"
            else:
                self.answers[answer.status_code] += 1
                if answer.status_code < 500:
                    return answer
                trouble = f"{method} {path}: {answer.status_code} {answer.text}"
                if answer.status_code != 503 or "Retry-After" not in answer.headers:
                    self.mistakes.append(trouble)
                pause = min(1.0, float(answer.headers.get("Retry-After", pause)))
            assert time.monotonic() < deadline, f"never answered: {trouble}"
            self.repeats += 1
            time.sleep(pause)
