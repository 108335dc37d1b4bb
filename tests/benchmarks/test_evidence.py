"""docs/evidence.md says what its data say, and the data are what this code computes."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evidence import doubts
from benchmarks.evidence.__main__ import PAGE, TABLES
from benchmarks.evidence.another_draw import NAMES, numbers_in
from benchmarks.evidence.doubts import best_by, highest_with_ties_broken_by_chance, sums
from benchmarks.evidence.tables import CHOSEN_BY, HERE, ROBUST, Columns, halves, merits, rho
from proxy.aggregates import AGGREGATES
from proxy.data import load_batch
from proxy.data.spec import DEFAULT_BATCH
from proxy.proxies import PROXIES
from proxy.scorer import Scorer
from proxy.spaces import get_space
from proxy.task import ScoringTask

#: Those with intervals take ten seconds.
QUICK = ("correlations", "beyond_size", "dear", "choice", "regret", "repeats", "images", "published", "other_targets")


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
    rows = table("differences") + table("dear_differences")
    assert {name.strip("`") for name, *_ in rows} == set(PROXIES)
    for name, *cells in rows:
        assert len(cells) == len(CHOSEN_BY)
        for cell in cells:
            low = re.search(r"\[(-?[\d.]+),", cell)
            assert low is not None, cell
            assert float(low[1]) > 0, f"not better than {name}: {cell}"


def test_the_half_that_is_held_has_no_part_in_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, scores, targets = halves()
    before = best_by(sums(rows), rows, CHOSEN_BY)
    assert "+".join(before) == ROBUST
    noise = np.random.default_rng(0)

    def spoilt(columns: Columns) -> Columns:
        return {name: np.where(rows, column, noise.normal(size=len(rows))) for name, column in columns.items()}

    monkeypatch.setattr(doubts, "halves", lambda: (rows, spoilt(scores), spoilt(targets)))
    ranked = sums(rows)
    assert best_by(ranked, rows, CHOSEN_BY) == before
    assert all(ranked[names].tolist() == column.tolist() for names, column in sums(rows).items())


def test_other_halves_choose_the_preset_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ((picked, *ahead),) = table("other_halves")
    assert picked == f"`{ROBUST}` {doubts.SPLITS}"
    monkeypatch.setattr(doubts, "SPLITS", 2)
    chosen, margins = doubts.choices.__wrapped__()
    assert chosen == {ROBUST: 2}
    for cell, of_two in zip(ahead, margins.values(), strict=True):
        low, high = map(float, re.findall(r"-?[\d.]+", cell)[1:])
        assert 0 < low - 0.001 < min(of_two) <= max(of_two) < high + 0.001


def test_two_draws_of_l2_norm_agree_no_more_than_chance_lets_them() -> None:
    numbers = numbers_in(HERE / "nasbench201_published_scores.csv")
    cells = [get_space("nasbench201").parse(number, "nats_tss_index").architecture for number in numbers]
    convolutions = Counter(sum(each.startswith("nor_conv") for each in cell.operations) for cell in cells)
    expected = highest_with_ties_broken_by_chance(convolutions.values())
    assert f"agree to {expected:.3f} on these 500 cells" in PAGE.read_text("utf-8").replace("\n  ", " ")
    (theirs,) = (float(row[2]) for row in table("published") if row[0] == "`l2_norm`")
    assert theirs == pytest.approx(expected, abs=0.01)


def test_what_two_draws_can_agree_on_is_what_random_orders_do() -> None:
    sizes, noise = [5, 40, 80, 25], np.random.default_rng(0)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    drawn = [rho(groups + noise.random(len(groups)), groups + noise.random(len(groups))) for _ in range(400)]
    assert np.mean(drawn) == pytest.approx(highest_with_ties_broken_by_chance(sizes), abs=0.003)


def test_published_scores_have_the_order_of_ours() -> None:
    agreement = {row[0].strip("`"): float(row[2]) for row in table("published")}
    for name in ("params", "macs", "synflow", "snip", "grad_norm", "nwot", "zen"):
        assert agreement[name] >= 0.95, name
    assert agreement["jacob_cov`, 64 images"] >= 0.95
    with_ourselves = {row[0].strip("`"): float(row[4]) for row in table("published") if len(row) > 4 and row[4]}
    for name in ("plain", "grasp", "jacob_cov"):
        assert agreement[name] >= with_ourselves[name] - 0.1, name  # of a hundred cells, or fewer


def table(name: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in on_page(name).splitlines()[2:]]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def check_row(row: dict[str, str], names: tuple[str, ...], scorer: Scorer, seed: int) -> None:
    """The scores in a row are those of this code."""
    space, batch = get_space("nasbench201"), load_batch(DEFAULT_BATCH)
    task = ScoringTask(
        space="nasbench201",
        architecture=space.parse(int(row["index"]), "nats_tss_index").architecture.canonical,
        settings=space.complete_settings({}, batch.classes),
        proxies=names,
        batch=batch.digest,
        seed=seed,
        precision="float32",
    )
    for score in scorer.score(task, batch):
        kept = float(row[score.proxy]) if row[score.proxy] else None
        tolerance = 1e-4 if score.proxy in ("plain", "grasp") else 1e-5
        assert score.value == (None if kept is None else pytest.approx(kept, rel=tolerance)), score.proxy


@pytest.mark.parametrize("file", ["nasbench201_scores.csv", "nasbench201_dear_scores.csv"])
def test_the_scores_are_those_of_this_code(file: str) -> None:
    rows, scorer = rows_of(HERE / file), Scorer()
    for position in np.random.default_rng(1).choice(len(rows), 3, replace=False):
        names = tuple(name for name in rows[position] if name != "index")
        check_row(rows[position], names, scorer, seed=0)


def test_the_other_draw_is_one_of_this_code() -> None:
    row = rows_of(HERE / "nasbench201_another_draw.csv")[-1]
    check_row(row, NAMES, Scorer(), seed=int(row["index"]) + 1)
