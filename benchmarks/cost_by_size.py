"""What a score costs, by batch size, by channels, and by the number of architectures in a job.

    python -m benchmarks.cost_by_size             # about three minutes
    python -m benchmarks.cost_by_size --quick     # half a minute: smaller sizes
    python -m benchmarks.cost_by_size --plot      # also draws the plot, which needs matplotlib (make bench)

Batch size and channels: one NAS-Bench-201 cell, the fastest of several times, on one thread. Job: random cells through
as many engines as there are cores, from nothing to the last score, so that the start of the engines is part of it.

Writes benchmarks/results/cost_by_size.csv and docs/cost-by-size.png, or to the folder that --out names.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

import torch

from app.cli.local_scoring import usable_cores
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH, Batch
from proxy.precision import PRECISIONS
from proxy.scorer import Scorer
from proxy.spaces import get_space
from proxy.spaces.nasbench201.index import SIZE
from proxy.task import ScoringTask
from workers.engine_pool import EnginePool

ROOT: Final = Path(__file__).parents[1]
CSV: Final = "cost_by_size.csv"
PLOT: Final = "cost-by-size.png"

#: One of each operation but `none`, and a second 3x3 convolution: its cost is near the mean of the space.
CELL: Final = "|nor_conv_3x3~0|+|skip_connect~0|avg_pool_3x3~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|"
BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
CHANNELS: Final = (4, 8, 16, 32, 64)
JOB_SIZES: Final = (1, 4, 16, 64, 256)
REPEATS: Final = 3
#: The sizes that a quick run leaves out are those above.
QUICK_MOST: Final = {"batch": 16, "channels": 32, "job": 16}

Sweep: TypeAlias = Literal["batch", "channels", "job"]


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of the table."""

    sweep: Sweep
    """What was varied."""
    size: int
    """Images of the batch, channels of the first stage, or architectures of the job."""
    precision: str
    seconds: float
    """Of one score; of the whole job."""
    seconds_each: float
    """Per image; per channel; per architecture."""


def main() -> None:
    options = read_options()
    costs = []
    for cost in measure(options.quick):
        costs.append(cost)
        sys.stdout.write(f"{cost.sweep:>8} {cost.size:>4} {cost.precision}: {cost.seconds:.4f} s\n")
        sys.stdout.flush()
    table, plot = options.out or ROOT / "benchmarks/results", options.out or ROOT / "docs"
    table.mkdir(parents=True, exist_ok=True)
    write(table / CSV, costs)
    if options.plot:
        from benchmarks.cost_plot import draw  # matplotlib

        draw(plot / PLOT, costs)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes only")
    parser.add_argument("--plot", action="store_true", help="draw the plot too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where table and plot go")
    return parser.parse_args()


def measure(quick: bool) -> Iterator[Cost]:
    """All sweeps; precisions in turn, so that whatever disturbs one disturbs the other."""
    scorer, batch = Scorer(torch.device("cpu")), load_batch(DEFAULT_BATCH)
    for size in sizes("batch", BATCH_SIZES, quick):
        images = load_batch(f"cifar10:train[0:{size}]")
        yield from in_turn("batch", size, scorer, task_of(CELL, images), images)
    for size in sizes("channels", CHANNELS, quick):
        yield from in_turn("channels", size, scorer, task_of(CELL, batch, channels=size), batch)
    for size in sizes("job", JOB_SIZES, quick):
        for precision in PRECISIONS:
            seconds = job_seconds([replace(task, precision=precision) for task in job_of(size, batch)], batch)
            yield Cost("job", size, precision, seconds, seconds / size)


def sizes(sweep: Sweep, all_sizes: Sequence[int], quick: bool) -> Iterator[int]:
    return (size for size in all_sizes if not quick or size <= QUICK_MOST[sweep])


def task_of(architecture: str, batch: Batch, **settings: int) -> ScoringTask:
    """At the default settings but for those given."""
    space = get_space("nasbench201")
    return ScoringTask(
        space=space.name,
        architecture=space.parse(architecture).architecture.canonical,
        settings=space.complete_settings(settings, batch.classes),
        proxies=("croze",),
        batch=batch.digest,
        precision="float64",
    )


def job_of(size: int, batch: Batch) -> list[ScoringTask]:
    """Random cells, the same ones always."""
    return [task_of(f"index:{index}", batch) for index in random.Random(0).sample(range(SIZE), size)]


def in_turn(sweep: Sweep, size: int, scorer: Scorer, task: ScoringTask, batch: Batch) -> list[Cost]:
    """One architecture in every precision: the fastest of `REPEATS` rounds, after one that does not count."""
    seconds: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for _ in range(1 + REPEATS):
        for precision, times in seconds.items():
            started = time.perf_counter()
            scorer.score(replace(task, precision=precision), batch)
            times.append(time.perf_counter() - started)
    best = {precision: min(times[1:]) for precision, times in seconds.items()}
    return [Cost(sweep, size, precision, value, value / size) for precision, value in best.items()]


def job_seconds(tasks: Sequence[ScoringTask], batch: Batch) -> float:
    """From no engine to the last score."""
    started = time.perf_counter()
    with EnginePool(min(usable_cores(), len(tasks))) as pool:
        for _ in pool.score(tasks, batch):
            pass
        return time.perf_counter() - started


def write(path: Path, costs: Sequence[Cost]) -> None:
    """The table, as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Cost)])
        writer.writerows((*astuple(cost)[:3], f"{cost.seconds:.5f}", f"{cost.seconds_each:.6f}") for cost in costs)
    sys.stdout.write(f"written: {path}\n")


if __name__ == "__main__":
    main()
