"""What is known of what a search found."""

from __future__ import annotations

import numpy as np
import pytest

from proxy.evaluation.errors import InvalidRequest
from proxy.evaluation.members import Table
from proxy.search import Search
from proxy.search.measured import Measured
from proxy.spaces.nasbench201.index import equivalence_classes, official_cells
from tests.proxy.search.plans import plan, run, texts

CELLS = official_cells()
REPRESENTATIVES = sorted({*equivalence_classes()})


def table(count: int = len(REPRESENTATIVES)) -> Table:
    """Representatives of the first classes; their accuracy rises with their index."""
    indexes = REPRESENTATIVES[:count]
    clean = np.array([index / 200.0 for index in indexes])
    return Table("table.csv", "nasbench201", tuple(CELLS[each].canonical for each in indexes), {"clean": clean})


def test_a_cell_has_the_accuracies_of_its_class() -> None:
    measured = Measured(table())
    assert measured.targets == ["clean"]
    for index, representative in enumerate(equivalence_classes()[:3_000]):
        assert measured.of(CELLS[index]) == {"clean": representative / 200.0}


def test_what_was_not_measured_has_none() -> None:
    measured = Measured(table(10))
    others = [index for index, of in enumerate(equivalence_classes()) if of > REPRESENTATIVES[10]]
    assert measured.of(CELLS[others[0]]) == {}


def test_standing_of_a_search() -> None:
    measured, search = Measured(table()), run(Search(plan(budget=30)))
    (standing,) = measured.standings(search)
    assert search.best is not None
    index_of = {cell.canonical: index for index, cell in enumerate(CELLS)}
    values = [equivalence_classes()[index_of[text]] / 200.0 for text in texts(search)]
    assert standing.found == values[search.best.proposal.number]
    assert standing.best_tried == max(values)
    assert standing.better == sum(index / 200.0 > standing.found for index in REPRESENTATIVES)
    assert (standing.of, standing.best) == (6_466, REPRESENTATIVES[-1] / 200.0)
    assert standing.mean == pytest.approx(sum(REPRESENTATIVES) / 200.0 / 6_466)


def test_standing_of_a_search_that_found_nothing() -> None:
    (standing,) = Measured(table()).standings(run(Search(plan(budget=3)), lambda _: None))
    assert (standing.found, standing.best_tried, standing.better) == (None, None, None)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="cleen"):
        Measured(table(), ["cleen"])
