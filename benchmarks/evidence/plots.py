"""The picture of docs/evidence.md: rank correlations of every score with four accuracies."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from benchmarks.evidence.tables import ROBUST, SOME, evaluated
from proxy.evaluation.plots import draw

TARGETS: Final = ("clean", "fgsm_1", "corruptions", "pgd_1")
NAME: Final = "evidence-correlations.png"


def draw_all(scratch: Path, docs: Path) -> None:
    """Draw into `scratch`, and keep the bars in `docs`."""
    evaluation = evaluated(
        "nasbench201_scores.csv", "nasbench201_accuracies.csv", aggregates=[ROBUST], targets=TARGETS, options=SOME
    )
    _, bars = draw(evaluation, scratch)[0]
    shutil.copyfile(bars, docs / NAME)
