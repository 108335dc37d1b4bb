"""docs/evidence.md says what its data say, and the data are what this code computes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evidence.__main__ import PAGE
from benchmarks.evidence.tables import CHOSEN_BY, HERE, ROBUST, TABLES, merits
from proxy.aggregates import AGGREGATES
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.scorer import Scorer
from proxy.spaces import get_space
from proxy.task import ScoringTask

#: Those with intervals take ten seconds.
QUICK = ("correlations", "beyond_size", "dear", "choice", "regret", "repeats", "images", "published")


def on_page(name: str) -> str:
    found = re.search(rf"<!-- table: {name} -->\n(.*?)\n<!-- end -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None, f"docs/evidence.md has no table {name}"
    return found[1]


@pytest.mark.parametrize("name", QUICK)
def test_the_tables_of_the_page_are_made_of_the_data(name: str) -> None:
    assert on_page(name) == TABLES[name](), "make evidence"


def test_every_table_is_on_the_page() -> None:
    assert set(re.findall(r"<!-- table: (\w+) -->", PAGE.read_text("utf-8"))) == set(TABLES)
    assert all(on_page(name).startswith("| ") for name in TABLES)


def test_the_preset_is_the_best_of_the_half_it_was_chosen_on() -> None:
    _, best = merits()[0]
    assert "+".join(best) == ROBUST
    assert AGGREGATES["robust"].proxies == best


def test_the_preset_is_better_than_every_single_score_on_the_other_half() -> None:
    rows = [line.strip("| ").split(" | ") for line in on_page("differences").splitlines()[2:]]
    assert {name.strip("`") for name, *_ in rows} >= {"params", "croze", "jacob_cov", "synflow", "nwot"}
    for name, *cells in rows:
        assert len(cells) == len(CHOSEN_BY)
        for cell in cells:
            low = re.search(r"\[(-?[\d.]+),", cell)
            assert low is not None, cell
            assert float(low[1]) > 0, f"not better than {name}: {cell}"


def test_published_scores_have_the_order_of_ours() -> None:
    agreement = {row[0].strip("`"): float(row[2]) for row in table("published")}
    for name in ("params", "macs", "synflow", "snip", "grad_norm", "nwot", "zen"):
        assert agreement[name] >= 0.95, name


def table(name: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in on_page(name).splitlines()[2:]]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("file", ["nasbench201_scores.csv", "nasbench201_dear_scores.csv"])
def test_the_scores_are_those_of_this_code(file: str) -> None:
    rows = rows_of(HERE / file)
    space, batch, scorer = get_space("nasbench201"), load_batch(DEFAULT_BATCH), Scorer()
    for position in np.random.default_rng(1).choice(len(rows), 3, replace=False):
        row = rows[position]
        names = tuple(name for name in row if name != "index")
        cell = space.parse(int(row["index"]), "nats_tss_index").architecture.canonical
        settings = space.complete_settings({}, batch.classes)
        task = ScoringTask(
            space="nasbench201",
            architecture=cell,
            settings=settings,
            proxies=names,
            batch=batch.digest,
            seed=0,
            precision="float32",
        )
        for score in scorer.score(task, batch):
            kept = float(row[score.proxy]) if row[score.proxy] else None
            tolerance = 1e-4 if score.proxy in ("plain", "grasp") else 1e-5
            assert score.value == (None if kept is None else pytest.approx(kept, rel=tolerance)), score.proxy
