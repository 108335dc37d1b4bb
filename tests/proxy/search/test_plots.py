"""Pictures: of any space and objectives, and the same bytes for the same search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.search import Search
from proxy.search.cell_plot import height_of
from proxy.search.plots import draw
from proxy.spaces import SPACES
from proxy.spaces._base import CellGraph, Edge
from tests.proxy.search.plans import convolutions, plan, run

pytest.importorskip("matplotlib")

SEARCHES: list[dict[str, Any]] = [
    {"space": "nasbench201"},
    {"space": "nasbench201", "strategy": "random", "objectives": "robust,macs"},
    {"space": "darts", "strategy": "evolution"},
    {"space": "darts", "sampler": "pairs14", "objectives": "croze,macs,params"},
]


@pytest.mark.parametrize("asked", SEARCHES, ids=str)
def test_every_search_has_its_pictures(tmp_path: Path, asked: dict[str, Any]) -> None:
    search = run(Search(plan(budget=30, **asked)))
    names = ["best_cell", "values", *(["front"] if "," in asked.get("objectives", "") else [])]
    assert draw(search, tmp_path) == [tmp_path / f"{name}.png" for name in names]
    for name in names:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / f"{name}.svg").read_text().lstrip().startswith("<?xml")


def test_failures_and_a_single_trial_are_drawn_too(tmp_path: Path) -> None:
    search = run(Search(plan(budget=3)), lambda each: convolutions(each) if each.number == 1 else None)
    assert len(draw(search, tmp_path)) == 2


def test_the_same_search_gives_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw(run(Search(plan(objectives="croze,macs", budget=30))), tmp_path / name)
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert len(written[0]) == 6
    assert written[0] == written[1]


def test_the_best_cell_is_drawn_with_its_operations(tmp_path: Path) -> None:
    search = run(Search(plan("darts", budget=30)))
    draw(search, tmp_path)
    assert search.best is not None
    graphs = SPACES["darts"].graph(search.best.proposal.architecture)
    text = (tmp_path / "best_cell.svg").read_text()
    for graph in graphs:
        for edge in graph.edges:
            drawn = edge.operation != "concat"
            assert (f"<!-- {edge.operation} -->" in text) == drawn


def test_wide_arcs_make_high_pictures() -> None:
    def graph(*edges: tuple[str, str]) -> CellGraph:
        drawn = tuple(Edge(source, target, "conv", reaches_output=True) for source, target in edges)
        return CellGraph("cell", tuple("0123"), drawn)

    assert height_of(graph()) < height_of(graph(("0", "1"))) < height_of(graph(("0", "1"), ("0", "3")))
