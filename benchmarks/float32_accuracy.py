"""How far float32 scores are from float64 ones, and how much faster they come.

    python benchmarks/float32_accuracy.py nasbench201 1000     # random cells at the default settings
    python benchmarks/float32_accuracy.py darts GENOTYPES.json # every named genotype, 36 channels, 20 layers

Each architecture is scored in both precisions, one after the other in one process on one thread, so the ratio of times
holds on a busy machine too. Prints a line of JSON an architecture, then a summary.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.cli.ranking import spearman
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.scorer import Scorer
from proxy.spaces import get_space
from proxy.task import ScoringTask


def architectures(space: str, what: str) -> Iterator[tuple[str, Any]]:
    """(name, genotype) of what the command line asks for."""
    if space == "nasbench201":
        for index in random.Random(0).sample(range(15_625), int(what)):
            yield str(index), f"index:{index}"
    else:
        for name, genotype in json.loads(Path(what).read_text()).items():
            keys = ("normal", "normal_concat", "reduce", "reduce_concat")
            yield name, {key: genotype[key] for key in keys}


def main() -> None:
    space, what = sys.argv[1:3]
    proxy = sys.argv[3] if len(sys.argv) > 3 else "croze"
    scorer, batch, rows = Scorer(), load_batch(DEFAULT_BATCH), []
    entry = get_space(space)
    for name, genotype in architectures(space, what):
        task = ScoringTask(
            space=space,
            architecture=entry.parse(genotype).architecture.canonical,
            settings=entry.complete_settings({}, batch.classes),
            proxies=(proxy,),
            batch=batch.digest,
            precision="float64",
        )
        row: dict[str, Any] = {"name": name}
        for precision in ("float64", "float32"):
            started = time.perf_counter()
            (score,) = scorer.score(replace(task, precision=precision), batch)
            row[precision] = score.value
            row[f"{precision}_s"] = round(time.perf_counter() - started, 4)
        row["computed_in"] = score.computed_in
        rows.append(row)
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
    summarise(rows)


def summarise(rows: list[dict[str, Any]]) -> None:
    """Errors, fallbacks, times and ranks of all rows."""
    both = [row for row in rows if row["float64"] is not None and row["float32"] is not None]
    errors = sorted(abs(row["float32"] - row["float64"]) / (row["float64"] or 1) for row in both)
    summary = {
        "architectures": len(rows),
        "without a score": len(rows) - len(both),
        "computed in float64 after all": sum(row["computed_in"] == "float64" for row in rows),
        "median error": statistics.median(errors),
        "99th percentile": errors[int(0.99 * len(errors))],
        "largest error": errors[-1],
        "rank correlation": spearman([row["float64"] for row in both], [row["float32"] for row in both]),
        "mean seconds float64": statistics.fmean(row["float64_s"] for row in rows),
        "mean seconds float32": statistics.fmean(row["float32_s"] for row in rows),
    }
    sys.stdout.write(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
