"""How much more several workers do than one, of one thread each.

    python -m benchmarks.workers_scaling                                                # as reported: some minutes
    python -m benchmarks.workers_scaling --architectures 60 --channels 4 --cells 1      # a try

Two services take turns at the same random cells: one with one worker, one with as many as asked for. Run it on a
machine that does nothing else, with as many free cores as workers.
"""

from __future__ import annotations

import argparse

import httpx

from benchmarks.cells import Network, add_options, random_rounds, score_over_http
from benchmarks.own_service import own_service
from benchmarks.report import Row, report


def main() -> None:
    parser = argparse.ArgumentParser(description="Several workers against one.")
    add_options(parser, architectures=200)
    parser.add_argument("--workers", type=int, default=2, help="default 2")
    options = parser.parse_args()
    network = Network.of(options)
    rounds = random_rounds(options.architectures, options.rounds)
    seconds = {1: 0.0, options.workers: 0.0}
    with own_service(workers=1) as one, own_service(workers=options.workers) as many:
        clients = {
            workers: httpx.Client(base_url=service.url, timeout=600, trust_env=False)
            for workers, service in ((1, one), (options.workers, many))
        }
        for workers, client in clients.items():
            score_over_http(client, network.request(rounds[0][: 4 * workers], seed=1))  # warm-up
        for number, indexes in enumerate(rounds):
            for workers in sorted(clients, reverse=number % 2 == 1):
                seconds[workers] += score_over_http(clients[workers], network.request(indexes, seed=0))
        for client in clients.values():
            client.close()
    count = options.architectures
    settings = {"architectures": count, **network.settings, "precision": network.precision}
    rows = [
        Row(f"workers: {workers}", spent, count / spent, seconds[1] / spent)
        for workers, spent in sorted(seconds.items())
    ]
    report("workers_scaling", settings, rows, as_json=options.json)


if __name__ == "__main__":
    main()
