"""Numbers as few ranges: many single look-ups in a list become a few long ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

#: Reading so many items that nobody asked for costs less than asking once more.
_GAP: Final = 8


def spans(numbers: Iterable[int]) -> Iterator[range]:
    """Ranges that cover all the numbers, in ascending order, with no long gap inside."""
    ordered = sorted(numbers)
    if not ordered:
        return
    first = last = ordered[0]
    for number in ordered:
        if number - last > _GAP:
            yield range(first, last + 1)
            first = number
        last = number
    yield range(first, last + 1)
