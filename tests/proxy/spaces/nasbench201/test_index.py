"""The official numbering, against published numbers."""

from __future__ import annotations

import hashlib

import pytest

from proxy.spaces.nasbench201.index import SIZE, equivalence_classes, official_cells, official_index
from tests.proxy.spaces.nasbench201.published import ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["index"])
def test_index_and_class_of_published_cells(row: dict[str, str]) -> None:
    index = int(row["index"])
    assert official_cells()[index].canonical == row["architecture"]
    assert official_index()[row["architecture"]] == index
    assert equivalence_classes()[index] == int(row["equivalence_class"])


def test_whole_list_is_the_official_one() -> None:
    """The digest was compared once with all 15,625 published strings, joined in order of their index."""
    text = "\n".join(cell.canonical for cell in official_cells())
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "83abc799e45cf34e9d2163654668ab998b9a54d01c39e72ca1f71f2cdf356d84"
    )
    assert len(set(official_cells())) == SIZE == 15_625


def test_all_classes_are_the_published_ones() -> None:
    """The digest was compared once with the classes published for all 15,625 cells."""
    text = ",".join(map(str, equivalence_classes()))
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "1e380d8b2c717becd4ea6731d474499027e1e101f6b0c247b10437aede927fb8"
    )
    assert len(set(equivalence_classes())) == 6_466


def test_a_class_is_named_by_its_smallest_index() -> None:
    assert all(name <= index for index, name in enumerate(equivalence_classes()))
    assert all(equivalence_classes()[name] == name for name in equivalence_classes())
