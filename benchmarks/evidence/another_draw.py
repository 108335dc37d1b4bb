"""Scores cells anew, each with weights of its own draw: `python -m benchmarks.evidence.another_draw`.

Cell i has seed i + 1, so that no two cells share candidate weights, as in published scores. Of the cells that have dear
scores and published ones, in the order of their numbers. Goes on where it was if it was cut off; three seconds a cell.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from benchmarks.evidence.collect import CHEAP, DEAR, HERE
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.scorer import Scorer
from proxy.spaces import get_space
from proxy.task import ScoringTask

FILE: Final = HERE / "nasbench201_another_draw.csv"
#: Of the others there is nothing to ask: they depend on no draw, or agree anyway.
NAMES: Final = tuple(
    name for name in (*CHEAP, *DEAR) if name not in ("croze", "croze:paper", "synflow", "params", "macs")
)


def numbers_in(file: Path) -> list[int]:
    """The official numbers of a file's cells, in its order."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return [int(line.partition(",")[0]) for line in lines if line[:1].isdigit()]


def main() -> None:
    dear = set(numbers_in(HERE / "nasbench201_dear_scores.csv"))
    done = numbers_in(FILE)
    if not done:
        FILE.write_text(f"index,{','.join(NAMES)}\n", "utf-8")
    space, batch, scorer = get_space("nasbench201"), load_batch(DEFAULT_BATCH), Scorer()
    settings = space.complete_settings({}, batch.classes)
    for index in numbers_in(HERE / "nasbench201_published_scores.csv"):
        if index not in dear or index in done:
            continue
        task = ScoringTask(
            space=space.name,
            architecture=space.parse(index, "nats_tss_index").architecture.canonical,
            settings=settings,
            proxies=NAMES,
            batch=batch.digest,
            seed=index + 1,
            precision="float32",
        )
        values = [score.value for score in scorer.score(task, batch)]
        with FILE.open("a", encoding="utf-8") as file:
            file.write(",".join([str(index), *("" if value is None else f"{value:.9g}" for value in values)]) + "\n")
        sys.stderr.write(f"{index}\n")


if __name__ == "__main__":
    main()
