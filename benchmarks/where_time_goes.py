"""Where the time of a score goes, row by row of `croze bench`: in torch's kernels, and outside of them.

    python -m benchmarks.where_time_goes                                  # all rows: some minutes
    python -m benchmarks.where_time_goes --row nb201_all_skip --rounds 2  # a try

One thread, default precision, after a warm-up; of many random cells the first few. Seconds are those of the fastest of
several rounds, without the profiler, which slows small kernels down. Shares are the profiler's: of time inside kernels
by what they do, and of the rest, which is Python, autograd and allocation.

`at most` is the ratio to the yardstick if nothing but convolutions and matrix products took time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any, Final

import torch
from torch.profiler import ProfilerActivity, profile

from proxy.bench.measure import SEED, task_of
from proxy.bench.rows import ROWS, Row, quick
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH, Batch
from proxy.precision import DEFAULT_PRECISION
from proxy.reference import build_darts, build_nasbench201, croze_layers
from proxy.scorer import Scorer

#: What kernels do -> parts of their names.
GROUPS: Final = {
    "convolutions": ("conv",),
    "products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "norms, pools": ("batch_norm", "pool"),
}
MEMORY: Final = "passes over memory"
REST: Final = "Python, autograd"
BUILDERS: Final[dict[str, Any]] = {"nasbench201": build_nasbench201, "darts": build_darts}


@dataclass(frozen=True, slots=True)
class Place:
    """One row: seconds of a score and of the yardstick, and the shares of the former."""

    name: str
    seconds: float
    yardstick: float
    shares: dict[str, float]

    @property
    def at_most(self) -> float:
        """Ratio to the yardstick, were there nothing but convolutions and products."""
        return self.yardstick / (self.seconds * (self.shares["convolutions"] + self.shares["products"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--row", choices=ROWS, action="append", help="one of them; may be given several times")
    parser.add_argument("--rounds", type=int, default=5, help="the fastest counts; default 5")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    torch.set_num_threads(1)
    scorer, batch = Scorer(torch.device("cpu")), load_batch(DEFAULT_BATCH)
    places = [place(ROWS[name], scorer, batch, options.rounds) for name in options.row or ROWS]
    if options.json:
        rows = [{"name": each.name, "seconds": each.seconds, "at_most": each.at_most, **each.shares} for each in places]
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        sys.stdout.write(table(places))


def place(row: Row, scorer: Scorer, batch: Batch, rounds: int) -> Place:
    """Mean of the row's architectures, each weighted by its time."""
    seconds, yardstick = [], []
    spent: defaultdict[str, float] = defaultdict(float)
    for architecture in quick(row).architectures:
        task = task_of(row, architecture, batch, DEFAULT_PRECISION)
        score = partial(scorer.score, task, batch)
        score()
        seconds.append(min(timed(score) for _ in range(rounds)))
        yardstick.append(timed(partial(reference, row, architecture, batch)))
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            whole = timed(score)
        for group, share in shares(profiler, whole).items():
            spent[group] += share * seconds[-1]
    return Place(row.name, fmean(seconds), fmean(yardstick), {group: spent[group] / sum(seconds) for group in spent})


def shares(profiler: profile, whole: float) -> dict[str, float]:
    """Of the `whole` seconds, by what was done."""
    found: defaultdict[str, float] = defaultdict(float)
    for event in profiler.key_averages():
        name = event.key
        if name.startswith("aten::"):
            group = next((group for group, parts in GROUPS.items() if any(part in name for part in parts)), MEMORY)
            found[group] += event.self_cpu_time_total / 1e6
    found[REST] = max(0.0, whole - sum(found.values()))
    total = sum(found.values())
    return {group: found[group] / total for group in (*GROUPS, MEMORY, REST)}


def reference(row: Row, architecture: Any, batch: Batch) -> None:
    """The yardstick, the building of its network included."""
    croze_layers(BUILDERS[row.space](architecture, SEED, **row.settings), batch)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def table(places: Sequence[Place]) -> str:
    """In Markdown."""
    header = ["row", "seconds", *places[0].shares, "ratio", "at most"]
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    lines += [
        [
            f"`{each.name}`",
            f"{each.seconds:.3f}",
            *(f"{share:.0%}" for share in each.shares.values()),
            f"{each.yardstick / each.seconds:.1f}",
            f"{each.at_most:.1f}",
        ]
        for each in places
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
