"""[T] Times scores and the machine itself, on one thread of the CPU.

Every architecture is scored in three ways, in turn, so that whatever else the machine does meets all of them:

- `yardstick`: `proxy.reference`, the plain transcription, in float64. All candidates of every edge are built and
  copied, and four passes are made, as in the authors' code. Building the network is part of it, as it is there.
- `float64` and `float32`: `proxy.scorer.Scorer`, as an engine calls it.

The machine's peak is its best square matrix product in float32, in the same process, before, between and after.

The fastest of the rounds counts: what disturbs a measurement on a shared machine only ever makes it slower.
"""

from __future__ import annotations

import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import torch

from proxy.bench.rows import Row
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH, Batch
from proxy.json_types import JsonObject
from proxy.reference import StagedNet, build_darts, build_nasbench201, croze_layers
from proxy.scorer import Scorer
from proxy.task import ScoringTask

SEED: Final = 0
#: Way of scoring -> its rough share of a round's time, for the progress bar alone.
WAYS: Final[dict[str, float]] = {"yardstick": 0.65, "float64": 0.25, "float32": 0.1}

#: Side of the square matrices -> repetitions. Small ones fit into a cache, large ones hide the cost of a call.
GEMM_SIZES: Final = {384: 20, 768: 10, 1536: 3}

#: `Report(what, seconds)`: `what` begins, and takes about so long.
Report = Callable[[str, float], None]

_BUILDERS: Final[Mapping[str, Callable[..., StagedNet]]] = {"nasbench201": build_nasbench201, "darts": build_darts}


@dataclass(eq=False)
class Measured:
    """One architecture in all ways: seconds of each round, and the last score."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    scores: dict[str, float | None] = field(default_factory=dict)
    fell_back: bool = False
    """Whether float32 could not hold it, and float64 was used."""

    def best(self, way: str) -> float:
        """Seconds of the fastest round."""
        return min(self.seconds[way])

    def difference(self, way: str) -> float | None:
        """Of the score from the yardstick's, relative. None if one of them is no number."""
        ours, theirs = self.scores[way], self.scores["yardstick"]
        if ours is None or theirs is None or not math.isfinite(theirs):
            return None
        return abs(ours - theirs) / (abs(theirs) or 1.0)


class Bench:
    """Measures rows one after the other in this process."""

    def __init__(self, report: Report) -> None:
        torch.set_num_threads(1)
        self._report = report
        self._scorer = Scorer(torch.device("cpu"))
        self._batch = load_batch(DEFAULT_BATCH)
        self._peaks = [gemm_gflops()]

    def row(self, row: Row) -> JsonObject:
        """A row without its fraction of the peak, which is known at the end.

        Numbers are means over the row's architectures. `gflop` is the arithmetic that a score needs
        (`proxy.bench.rows.live_macs`), and `achieved_gflops` is that over the seconds of float32.
        """
        measured = [Measured() for _ in row.architectures]
        # What an engine does once for many scores is over: weights are drawn, the batch is there.
        self._score(row, row.architectures[0], "float32", Measured())
        for _ in range(row.rounds):
            for number, (architecture, each) in enumerate(zip(row.architectures, measured, strict=True), start=1):
                for way, share in WAYS.items():
                    place = f" {number}/{len(measured)}" if len(measured) > 1 else ""
                    self._report(f"{row.name}{place}: {way}", share * row.rough_seconds)
                    self._score(row, architecture, way, each)
        self._peaks.append(gemm_gflops())
        return summary(row, measured, row.gflop(self._batch.image, self._batch.size))

    def document(self, rows: Sequence[JsonObject]) -> JsonObject:
        """All rows beside the best peak that was seen: `croze bench --json`."""
        peak = max(self._peaks)
        return {
            "gemm_gflops": peak,
            "gemm_gflops_before": self._peaks[0],
            "gemm_gflops_after": self._peaks[-1],
            "machine": machine(self._scorer),
            "batch": self._batch.name,
            "seed": SEED,
            "rows": [{**row, "fraction_of_peak": row["achieved_gflops"] / peak} for row in rows],  # type: ignore[operator]
        }

    def _score(self, row: Row, architecture: Any, way: str, into: Measured) -> None:
        """One score, timed."""
        started = time.perf_counter()
        if way == "yardstick":
            network = _BUILDERS[row.space](architecture, SEED, **row.settings)
            into.scores[way] = sum(croze_layers(network, self._batch).values())
        else:
            (score,) = self._scorer.score(task_of(row, architecture, self._batch, way), self._batch)
            into.scores[way] = score.value
            into.fell_back |= score.computed_in != way
        into.seconds[way].append(time.perf_counter() - started)


def task_of(row: Row, architecture: Any, batch: Batch, precision: str) -> ScoringTask:
    """What an engine would be asked."""
    return ScoringTask(
        space=row.space,
        architecture=architecture.canonical,
        settings=row.settings,
        proxies=("croze",),
        batch=batch.digest,
        seed=SEED,
        precision=precision,
    )


def summary(row: Row, measured: Sequence[Measured], gflop: float) -> JsonObject:
    """The row, out of what was measured for each of its architectures."""
    seconds = {way: fmean(each.best(way) for each in measured) for way in WAYS}
    return {
        "name": row.name,
        "about": row.about,
        "settings": dict(row.settings),
        "architectures": len(measured),
        "rounds": row.rounds,
        "seconds_yardstick": seconds["yardstick"],
        "seconds_float64": seconds["float64"],
        "seconds_float32": seconds["float32"],
        "gflop": gflop,
        "achieved_gflops": gflop / seconds["float32"],
        "ratio_to_yardstick": seconds["yardstick"] / seconds["float32"],
        "ratio_float64": seconds["yardstick"] / seconds["float64"],
        "ratio_float32": seconds["yardstick"] / seconds["float32"],
        "difference_float64": largest_difference(measured, "float64"),
        "difference_float32": largest_difference(measured, "float32"),
        "fell_back": sum(each.fell_back for each in measured),
    }


def largest_difference(measured: Sequence[Measured], way: str) -> float | None:
    """The largest one, so that nobody is proud of a fast wrong score. None if there is none to tell."""
    return max((each for one in measured if (each := one.difference(way)) is not None), default=None)


def gemm_gflops(sizes: Mapping[int, int] = GEMM_SIZES) -> float:
    """The best square matrix product in float32 on this thread, in 10**9 operations a second."""
    best = 0.0
    for size, repetitions in sizes.items():
        generator = torch.Generator().manual_seed(size)
        a, b = (torch.rand((size, size), generator=generator) for _ in range(2))
        product = a @ b
        for _ in range(repetitions):
            started = time.perf_counter()
            torch.mm(a, b, out=product)
            best = max(best, 2 * size**3 / (time.perf_counter() - started) / 1e9)
    return best


def machine(scorer: Scorer) -> JsonObject:
    """Where it was measured."""
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": scorer.environment.torch,
        "capability": scorer.environment.capability,
    }


def cpu_name() -> str:
    """The processor as its maker calls it, where the system says so."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
