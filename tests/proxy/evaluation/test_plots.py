"""Pictures: of any names, each in a file of its own, and the same bytes for the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxy.evaluation import Options, evaluate_columns, plots
from proxy.evaluation.evaluation import Evaluation
from proxy.evaluation.targets import COLUMN, Target

pytest.importorskip("matplotlib")

NUMBERS = np.arange(12.0)


def evaluated(score: str, targets: list[str]) -> Evaluation:
    scores, options = {score: NUMBERS}, Options(resamples=5)
    columns = {name: np.roll(NUMBERS, shift) for shift, name in enumerate(targets)}
    return Evaluation(
        space="nasbench201",
        architectures=tuple(map(str, range(12))),
        scores=scores,
        aggregates={},
        targets=tuple(Target(name, COLUMN, values) for name, values in columns.items()),
        given=(),
        options=options,
        pairs=tuple(evaluate_columns(scores, columns, options=options)),
        notes=(),
    )


def test_names_that_look_like_formulas_are_drawn_as_they_are(tmp_path: Path) -> None:
    written = plots.draw(evaluated(r"$\no{formula}$", [r"a$b", r"$\frac$ of x"]), tmp_path)
    assert [title for title, _ in written] == [
        "Rank correlation by target", r"Scores and a$b", r"Scores and $\frac$ of x"
    ]  # fmt: skip
    for _, path in written:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.with_suffix(".svg").read_text().lstrip().startswith("<?xml")


def test_every_target_has_a_file_of_its_own(tmp_path: Path) -> None:
    written = plots.draw(evaluated("croze", ["a", "a_2", "a!", "A?", "é"]), tmp_path)
    assert [path.name for _, path in written] == [
        "correlations.png", "scatter_a.png", "scatter_a_2.png", "scatter_a_3.png", "scatter_A_4.png",
        "scatter_target.png",
    ]  # fmt: skip
    assert len([*tmp_path.iterdir()]) == 2 * len(written)
