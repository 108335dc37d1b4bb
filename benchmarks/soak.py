"""Whether the memory of all processes stays flat while a service works for a long time.

    python -m benchmarks.soak --minutes 20

A service of its own with two workers gets one small job after the other: new cells and known ones, some canceled, many
deleted, read as streams and as pages, and metrics are scraped. Jobs and scores are kept for a minute only, so that what
Redis holds should be flat too. Memory is printed every minute. Wanted: in the last quarter no process holds more than
5 % (or 5 MB) above what it held in the second. Exit code 1 if one does. Linux only, for it reads /proc.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import httpx

from benchmarks.memory_flat import resident_mb
from benchmarks.own_service import own_service
from workers.settings import connect

WORKERS = 2
KEPT_S = 60
SAMPLE_S = 5.0
LIMIT_GROWTH = 0.05
LIMIT_GROWTH_MB = 5.0
CELLS = 15_625
JOB = {"space": "nasbench201", "settings": {"channels": 4, "cells": 1}, "format": "nats_tss_index"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--architectures", type=int, default=200, help="in a job (default 200)")
    options = parser.parse_args()
    for setting in ("CROZE_JOB_RETENTION", "CROZE_SCORE_TTL"):
        os.environ[setting] = str(KEPT_S)
    with (
        own_service(WORKERS) as service,
        httpx.Client(base_url=service.url, timeout=120, trust_env=False) as client,
    ):
        sys.exit(soak(client, service.redis_url, options.minutes * 60, options.architectures))


def soak(client: httpx.Client, redis_url: str, seconds: float, architectures: int) -> int:
    """Work that long. The exit code."""
    samples: dict[str, list[float]] = defaultdict(list)
    started = sampled = told = time.monotonic()
    jobs = items = 0
    for done in work(client, architectures):
        jobs, items = jobs + 1, items + done
        now = time.monotonic()
        if now - sampled >= SAMPLE_S:
            sampled = now
            for name, megabytes in memory(client, redis_url).items():
                samples[name].append(megabytes)
        if now - told >= 60 and samples:
            told = now
            held = ", ".join(f"{name} {values[-1]:.1f}" for name, values in samples.items())
            say(f"{(now - started) / 60:5.1f} min, {jobs} jobs, {items} items; MB: {held}")
        if now - started >= seconds:
            break
    return judge(samples)


def work(client: httpx.Client, architectures: int) -> Iterator[int]:
    """One job after the other, for ever. Yields how many items each had scored."""
    rng = random.Random(0)
    known = rng.sample(range(CELLS), architectures)
    for number in range(10**9):
        chosen = known if number % 3 == 0 else rng.sample(range(CELLS), architectures)
        body = JOB | {"architectures": chosen, "seed": 0 if number % 3 == 0 else number % 7}
        answer = client.post("/v1/jobs", json=body).raise_for_status()
        path = answer.headers["Location"]
        if number % 5 == 4:
            client.post(f"{path}/cancel").raise_for_status()
        client.get(f"{path}/scores", headers={"Accept": "application/x-ndjson"}).raise_for_status()
        client.get(f"{path}/scores", params={"limit": 50}).raise_for_status()
        counts = client.get(path).raise_for_status().json()["counts"]
        assert counts["scored"] + counts["canceled"] == architectures, counts
        client.get("/metrics").raise_for_status()
        client.get("/v1/jobs").raise_for_status()
        if number % 2:
            client.delete(path).raise_for_status()
        yield counts["scored"]


def memory(client: httpx.Client, redis_url: str) -> dict[str, float]:
    """MB that each process holds. Redis by its own account, which leaves freed memory out."""
    held = {"api": float(metric(client, "process_resident_memory_bytes")) / 1e6}
    for number, worker in enumerate(
        sorted(client.get("/v1/workers").raise_for_status().json()["items"], key=lambda each: str(each["id"])), 1
    ):
        held[f"worker {number}"] = resident_mb(worker["pid"])
        held[f"engine {number}"] = resident_mb(worker["engine"]["pid"])
    held["redis"] = float(connect(redis_url).info("memory")["used_memory"]) / 1e6
    return held


def metric(client: httpx.Client, name: str) -> str:
    """Value of a metric without labels."""
    lines = client.get("/metrics").raise_for_status().text.splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{name} "))
    return value


def judge(samples: Mapping[str, Sequence[float]]) -> int:
    """The last quarter against the second, by the median of each."""
    fine = True
    for name, values in samples.items():
        quarter = max(1, len(values) // 4)
        before, after = statistics.median(values[quarter : 2 * quarter]), statistics.median(values[-quarter:])
        grown = after - before
        flat = grown <= max(LIMIT_GROWTH * before, LIMIT_GROWTH_MB)
        fine = fine and flat
        say(f"{name:9} {before:7.1f} -> {after:7.1f} MB ({grown / before:+.1%}){'' if flat else '  NOT FLAT'}")
    return 0 if fine else 1


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
