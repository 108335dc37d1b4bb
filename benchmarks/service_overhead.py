"""What the service costs beyond the scores: HTTP, queue, workers and results against the same engines alone.

    python -m benchmarks.service_overhead                                                # as reported: some minutes
    python -m benchmarks.service_overhead --architectures 60 --channels 4 --cells 1      # a try

`workers.engine_pool.EnginePool` is what `croze score --local` uses. Both sides have the same number of engines, warmed
up, and score the same random cells in turns, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import argparse
import time

import httpx

from app.cli.local_scoring import usable_cores
from benchmarks.cells import Network, add_options, default_batch, random_rounds, score_over_http
from benchmarks.own_service import own_service
from benchmarks.report import Row, report
from proxy.data.spec import Batch
from proxy.task import ScoringTask
from workers.engine_pool import EnginePool

_WARM_UP_SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description="The service against the same engines alone.")
    add_options(parser, architectures=500)
    parser.add_argument("--engines", type=int, default=usable_cores(), help="default: one per core")
    options = parser.parse_args()
    network, batch = Network.of(options), default_batch()
    rounds = random_rounds(options.architectures, options.rounds)
    local = service = 0.0
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
                if side == "local":
                    local += score_locally(pool, network.tasks(indexes, 0, batch), batch)
                else:
                    service += score_over_http(client, network.request(indexes, 0))
    count = options.architectures
    settings = {"architectures": count, "engines": options.engines, **network.settings, "precision": network.precision}
    rows = [Row("engines alone", local, count / local, 1.0), Row("service", service, count / service, service / local)]
    report("service_overhead", settings, rows, as_json=options.json)


def score_locally(pool: EnginePool, tasks: list[ScoringTask], batch: Batch) -> float:
    started = time.perf_counter()
    outcomes = dict(pool.score(tasks, batch))
    seconds = time.perf_counter() - started
    assert all(isinstance(outcome, list) and outcome[0].status == "scored" for outcome in outcomes.values())
    return seconds


if __name__ == "__main__":
    main()
