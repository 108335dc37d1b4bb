"""Whether an engine's memory stays flat while it scores thousands of NAS-Bench-201 cells.

    python -m benchmarks.memory_flat                                # 1,000 cells at the default settings
    python -m benchmarks.memory_flat 10000 --channels 4 --cells 1   # many, small: minutes
    python -m benchmarks.memory_flat 10000                          # half an hour

One engine process, as a worker has it, scores different random cells. Its resident memory is printed at the start and
every --every cells. Wanted: from the first tenth on no more than 5 % growth, and never above 600 MB.
Exit code 1 if not.
Linux only, for it reads /proc.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH, Batch
from proxy.precision import DEFAULT_PRECISION, PRECISIONS
from proxy.spaces import get_space
from proxy.spaces.nasbench201.index import SIZE
from proxy.task import ScoringTask
from workers.engine import Engine

SPACE = "nasbench201"
LIMIT_MB = 600.0
LIMIT_GROWTH = 0.05


def main() -> None:
    options = read_options()
    batch = load_batch(options.batch)
    samples: list[float] = []
    with Engine() as engine:
        engine.start()
        engine.load_batch(batch)
        say(f"{'scored':>7} {'MB':>8} {'peak MB':>8} {'cells/s':>8}")
        say(f"{0:>7} {resident_mb(engine.pid):>8.1f} {peak_mb(engine.pid):>8.1f} {'':>8}")
        started = time.perf_counter()
        for done, task in enumerate(tasks(options, batch), start=1):
            (score,) = engine.score(task)
            if score.status != "scored":
                sys.exit(f"{task.architecture} has no score: {score.error}")
            if done % options.every == 0 or done == options.number:
                samples.append(resident_mb(engine.pid))
                rate = done / (time.perf_counter() - started)
                say(f"{done:>7} {samples[-1]:>8.1f} {peak_mb(engine.pid):>8.1f} {rate:>8.1f}")
    sys.exit(judge(samples))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("number", type=int, nargs="?", default=1_000, help=f"how many of the {SIZE} cells to score")
    parser.add_argument("--channels", type=int, default=None)
    parser.add_argument("--cells", type=int, default=None, help="per stage")
    parser.add_argument("--batch", default=DEFAULT_BATCH)
    parser.add_argument("--precision", choices=[*PRECISIONS], default=DEFAULT_PRECISION)
    parser.add_argument("--proxy", default="croze")
    parser.add_argument("--every", type=int, default=None, help="default: twenty samples")
    options = parser.parse_args()
    if not 20 <= options.number <= SIZE:
        parser.error(f"{options.number} cells; allowed: 20 to {SIZE}")
    options.every = options.every or options.number // 20
    return options


def tasks(options: argparse.Namespace, batch: Batch) -> Iterator[ScoringTask]:
    """The same cells in the same order whenever the number is the same."""
    space = get_space(SPACE)
    given = {"channels": options.channels, "cells": options.cells}
    settings = space.complete_settings(given, batch.classes)
    for index in random.Random(0).sample(range(SIZE), options.number):
        yield ScoringTask(
            space=SPACE,
            architecture=space.parse(f"index:{index}").architecture.canonical,
            settings=settings,
            proxies=(options.proxy,),
            batch=batch.digest,
            precision=options.precision,
        )


def resident_mb(pid: int) -> float:
    """Memory of a process that is in RAM now."""
    return status_mb(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most that `resident_mb` ever was."""
    return status_mb(pid, "VmHWM")


def status_mb(pid: int, field: str) -> float:
    """A field of /proc/PID/status in MB (10**6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kibibytes,) = (int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return kibibytes * 1024 / 1e6


def judge(samples: list[float]) -> int:
    """Growth from the first tenth, when all that is kept has been made, to the last sample; and the most."""
    settled = samples[(len(samples) - 1) // 10 :]
    growth, most = settled[-1] / settled[0] - 1, max(samples)
    flat, small = growth <= LIMIT_GROWTH, most <= LIMIT_MB
    say(f"growth {growth:+.1%} (wanted: at most {LIMIT_GROWTH:.0%}), most {most:.0f} MB (at most {LIMIT_MB:.0f})")
    return 0 if flat and small else 1


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
