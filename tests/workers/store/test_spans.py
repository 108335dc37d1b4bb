"""Spans: every number is covered, once, and little else is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.jobs import new_items, new_job, scored
from workers.store import Store
from workers.store.spans import _GAP, spans


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], []),
        ([3], [range(3, 4)]),
        ([2, 0, 1], [range(3)]),
        ([0, _GAP], [range(_GAP + 1)]),
        ([0, _GAP + 1], [range(1), range(_GAP + 1, _GAP + 2)]),
    ],
)
def test_neighbours_share_a_span(numbers: list[int], expected: list[range]) -> None:
    assert list(spans(numbers)) == expected


@given(st.lists(st.integers(0, 200), unique=True))
def test_every_number_is_covered_once(numbers: list[int]) -> None:
    found = list(spans(numbers))
    covered = [number for span in found for number in span]
    assert covered == sorted(set(covered))
    assert set(numbers) <= set(covered)
    assert {number for span in found for number in (span[0], span[-1])} <= set(numbers)
    assert all(second.start - first.stop >= _GAP for first, second in pairwise(found))


def test_items_come_in_the_order_in_which_they_ended_however_far_apart(store: Store) -> None:
    job_id = store.jobs.create(new_job(), new_items(60), {}).spec.id
    order = [59, 0, 30, 31, 2, 58, 12]
    for index in order:
        store.jobs.record(job_id, "w", index, scored(index), {})
    found = store.jobs.finished(job_id, 0, 100)
    assert [item.spec for item in found] == [new_items(60)[index] for index in order]
    assert [item.outcome for item in found] == [scored(index) for index in order]
