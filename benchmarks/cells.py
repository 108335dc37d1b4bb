"""Random NAS-Bench-201 cells for benchmarks, as a client sends them and as an engine gets them."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH, Batch
from proxy.precision import DEFAULT_PRECISION
from proxy.spaces import get_space
from proxy.spaces.nasbench201.index import official_cells
from proxy.task import ScoringTask


@dataclass(frozen=True, slots=True)
class Network:
    """What all cells of a benchmark are built into."""

    channels: int
    cells: int
    precision: str

    @classmethod
    def of(cls, options: argparse.Namespace) -> Network:
        return cls(options.channels, options.cells, options.precision)

    @property
    def settings(self) -> dict[str, int]:
        return {"channels": self.channels, "cells": self.cells}

    def request(self, indexes: Sequence[int], seed: int) -> dict[str, Any]:
        """The body of POST /v1/jobs."""
        return {
            "space": "nasbench201",
            "settings": self.settings,
            "format": "nats_tss_index",
            "architectures": list(indexes),
            "precision": self.precision,
            "seed": seed,
        }

    def tasks(self, indexes: Sequence[int], seed: int, batch: Batch) -> list[ScoringTask]:
        """The same for an engine."""
        space = get_space("nasbench201")
        return [
            ScoringTask(
                space=space.name,
                architecture=space.parse(index, "nats_tss_index").architecture.canonical,
                settings=space.complete_settings(self.settings, batch.classes),
                proxies=("croze",),
                batch=batch.digest,
                seed=seed,
                precision=self.precision,
            )
            for index in indexes
        ]


def add_options(parser: argparse.ArgumentParser, *, architectures: int) -> None:
    """Options that these benchmarks share. The defaults are what is to be reported; small ones are for a try."""
    parser.add_argument("--architectures", type=int, default=architectures, help=f"default {architectures}")
    parser.add_argument("--channels", type=int, default=16, help="default 16; 4 for a try")
    parser.add_argument("--cells", type=int, default=5, help="default 5; 1 for a try")
    parser.add_argument("--precision", default=DEFAULT_PRECISION, help=f"default {DEFAULT_PRECISION}")
    parser.add_argument("--rounds", type=int, default=5, help="turns that the two sides take (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def default_batch() -> Batch:
    return load_batch(DEFAULT_BATCH)


def random_rounds(count: int, rounds: int) -> list[list[int]]:
    """Indexes of `count` random cells, each with a network that none before it has, dealt into rounds."""
    cells, seen = official_cells(), set()
    chosen: list[int] = []
    for index in random.Random(0).sample(range(len(cells)), len(cells)):
        if len(chosen) < count and cells[index].effective not in seen:
            seen.add(cells[index].effective)
            chosen.append(index)
    return [chosen[start::rounds] for start in range(min(rounds, count))]


def score_over_http(client: httpx.Client, body: dict[str, Any]) -> float:
    """Seconds from the request to the last result, all of which must be computed and scored."""
    started = time.perf_counter()
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text[:1000]
    lines = client.get(f"{answer.headers['Location']}/scores", headers={"Accept": "application/x-ndjson"}).text
    seconds = time.perf_counter() - started
    items = [json.loads(line) for line in lines.splitlines()]
    assert len(items) == len(body["architectures"])
    assert all(item["status"] == "scored" and not item["scores"]["croze"]["cached"] for item in items), items[:1]
    return seconds
