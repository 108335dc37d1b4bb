"""Accuracies in percent, whatever they were written in; wrong and mixed units are refused. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import numpy as np

from proxy.errors import Fault
from proxy.evaluation.cells import check_faults, named
from proxy.evaluation.errors import InvalidTable
from proxy.evaluation.ranks import Floats


class Unit(StrEnum):
    """What accuracies are written in."""

    PERCENT = "percent"
    FRACTION = "fraction"


_LIMITS: Final = {Unit.PERCENT: 100.0, Unit.FRACTION: 1.0}
#: "clean [%]", "clean (fraction)"
_HEADING: Final = re.compile(r"(.*\S)\s*[\[(](%|percent|fraction)[\])]")


def split_heading(heading: str) -> tuple[str, Unit | None]:
    """The column's name, and its unit if the heading says it: "clean [%]", "clean (fraction)"."""
    match = _HEADING.fullmatch(heading)
    if match is None:
        return heading, None
    return match[1], Unit.FRACTION if match[2] == "fraction" else Unit.PERCENT


def in_percent(
    source: str, columns: Mapping[str, Floats], declared: Mapping[str, Unit | None], default: Unit | None
) -> dict[str, Floats]:
    """All columns in percent.

    Args:
        declared: the unit of each column, if its heading says it.
        default: the unit of the others; None: seen from their numbers.

    Raises:
        InvalidTable: a number is out of the range of its unit, or nobody says the unit and the numbers leave it open.
    """
    unknown = {name: column for name, column in columns.items() if (declared[name] or default) is None}
    seen = _seen(source, unknown)
    result: dict[str, Floats] = {}
    faults: list[Fault] = []
    for name, column in columns.items():
        unit = declared[name] or default or seen
        faults += _out_of_range(source, name, column, unit)
        result[name] = column * (100.0 / _LIMITS[unit])
    check_faults(f"{source} has accuracies out of range: is the unit right?", faults)
    _refuse_fractions_called_percent(source, columns, declared, default)
    return result


def _seen(source: str, columns: Mapping[str, Floats]) -> Unit:
    """The one unit that fits all columns whose unit nobody says."""
    above = [name for name, column in columns.items() if (column > 1).any()]
    below = [name for name, column in columns.items() if ((column > 0) & (column < 1)).any()]
    if above and below:
        large, small = columns[above[0]], columns[below[0]]
        raise InvalidTable(
            f"{source}: percent or fraction? {named(above)} has values above 1, as {large[large > 1][0]:g}, and "
            f"{named(below)} has values below 1, as {small[(small > 0) & (small < 1)][0]:g}. If that is right, say the "
            f"unit with --unit, or in the headings, as '{below[0]} [%]' or '{below[0]} [fraction]'. If some columns "
            f"are no accuracies, name the others with --target"
        )
    return Unit.PERCENT if above else Unit.FRACTION


def _out_of_range(source: str, name: str, column: Floats, unit: Unit) -> list[Fault]:
    limit = _LIMITS[unit]
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero((column < 0) | (column > limit))
    if len(wrong) == 0:
        return []
    worst = column[wrong[np.argmax(np.abs(column[wrong]))]]
    problem = f"{len(wrong)} of {len(column)} values are not within 0 and {limit:g}, e.g. {worst:g}"
    return [Fault(f"{source}, column {name}", problem, f"as {unit} it has to be 0 to {limit:g}")]


def _refuse_fractions_called_percent(
    source: str, columns: Mapping[str, Floats], declared: Mapping[str, Unit | None], default: Unit | None
) -> None:
    """Below 1 % in all columns there is no network: even guessing is right more often."""
    percents = [column for name, column in columns.items() if (declared[name] or default) is Unit.PERCENT]
    found = [column[np.isfinite(column)] for column in percents]
    if found and all(len(each) == 0 or each.max() <= 1 for each in found) and any(each.any() for each in found):
        raise InvalidTable(f"{source}: all accuracies are at most 1; that is not percent: say fraction")
