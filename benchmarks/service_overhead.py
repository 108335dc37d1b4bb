"""What the service costs beyond the scores: HTTP, queue, workers and results against the same engines alone.

    python -m benchmarks.service_overhead                                                # as reported: some minutes
    python -m benchmarks.service_overhead --architectures 60 --channels 4 --cells 1      # a try

`workers.engine_pool.EnginePool` is what `croze score --local` uses. Both sides have the same number of engines, warmed
up, and score the same random cells in turns, so that whatever else the machine does hits both.

On a machine whose speed changes from one turn to the next, the last row is the one to look at (Linux only). Its seconds
are processor time of the service's engines, and its ratio compares what the two sides took by the clock for each second
of their engines' processor time: what the service itself computes, and what engines wait for.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.cli.local_scoring import usable_cores
from benchmarks.cells import Network, add_options, default_batch, random_rounds, score_over_http
from benchmarks.own_service import own_service
from benchmarks.report import Row, report
from proxy.data.spec import Batch
from proxy.task import ScoringTask
from workers.engine import ENGINE_COMMAND
from workers.engine_pool import EnginePool

_WARM_UP_SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description="The service against the same engines alone.")
    add_options(parser, architectures=500)
    parser.add_argument("--engines", type=int, default=usable_cores(), help="default: one per core")
    options = parser.parse_args()
    network, batch = Network.of(options), default_batch()
    rounds = random_rounds(options.architectures, options.rounds)
    local, service = Side(), Side()
    with (
        own_service(workers=options.engines) as up,
        httpx.Client(base_url=up.url, timeout=600, trust_env=False) as client,
        EnginePool(options.engines) as pool,
    ):
        warm_up = rounds[0][: 4 * options.engines]
        score_locally(pool, network.tasks(warm_up, _WARM_UP_SEED, batch), batch)
        score_over_http(client, network.request(warm_up, _WARM_UP_SEED))
        for number, indexes in enumerate(rounds):
            for side in ("local", "service") if number % 2 == 0 else ("service", "local"):
                before = engines_seconds()
                if side == "local":
                    local.seconds += score_locally(pool, network.tasks(indexes, 0, batch), batch)
                    local.engines += engines_seconds() - before
                else:
                    service.seconds += score_over_http(client, network.request(indexes, 0))
                    service.engines += engines_seconds() - before
    count = options.architectures
    settings = {"architectures": count, "engines": options.engines, **network.settings, "precision": network.precision}
    rows = [
        Row("engines alone", local.seconds, count / local.seconds, 1.0),
        Row("service", service.seconds, count / service.seconds, service.seconds / local.seconds),
    ]
    if local.engines:
        slowness = (service.seconds / service.engines) / (local.seconds / local.engines)
        rows.append(Row("for the same processor time", service.engines, None, slowness))
    report("service_overhead", settings, rows, as_json=options.json)


@dataclass(slots=True)
class Side:
    """What one of the two took: by the clock, and processor time of its engines."""

    seconds: float = 0.0
    engines: float = 0.0


def engines_seconds() -> float:
    """Processor time that all engines below this process have taken. Zero where there is no /proc."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue  # it has just ended
        parents[int(process.name)] = int(fields[1])
        if ENGINE_COMMAND[-1].encode() in command.split(b"\0"):
            ticks[int(process.name)] = int(fields[11]) + int(fields[12])  # in user and in system mode
    return sum(spent for pid, spent in ticks.items() if _descends(pid, parents)) / os.sysconf("SC_CLK_TCK")


def _descends(pid: int, parents: dict[int, int]) -> bool:
    """Whether that process was started by this one, or by one that was."""
    while pid not in (0, os.getpid()):
        pid = parents.get(pid, 0)
    return pid != 0


def score_locally(pool: EnginePool, tasks: list[ScoringTask], batch: Batch) -> float:
    started = time.perf_counter()
    outcomes = dict(pool.score(tasks, batch))
    seconds = time.perf_counter() - started
    assert all(isinstance(outcome, list) and outcome[0].status == "scored" for outcome in outcomes.values())
    return seconds


if __name__ == "__main__":
    main()
