"""Whose row it is: architectures as tables name them, in the canonical form by which tables are joined. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from proxy.errors import Fault, ProxyError, shown
from proxy.evaluation.cells import TextTable, check_faults
from proxy.evaluation.errors import InvalidTable
from proxy.evaluation.ranks import Floats
from proxy.spaces import SPACES, get_space
from proxy.spaces._base import Space

#: Headings of the column that names the architecture.
ARCHITECTURE_NAMES: Final = ("architecture", "arch", "genotype")
#: Heading of the column of official NAS-Bench-201 numbers.
INDEX_NAME: Final = "index"
_INDEX_SPACE: Final = "nasbench201"
_INDEX_FORMAT: Final = "nats_tss_index"


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of architectures of one space, each architecture once."""

    source: str
    space: str
    architectures: tuple[str, ...]
    """Canonical forms."""
    columns: dict[str, Floats]
    """Each of shape [architectures], NaN where there is no number."""
    notes: tuple[str, ...] = field(default=())
    """What was left out, and why, for people."""


class Reader:
    """Reads the architectures of one or several tables; all have to be of one space."""

    def __init__(self, space: str | None = None) -> None:
        """Args: the space's name; None: the first architecture that is clear decides.

        Raises:
            UnknownSpace: there is no such space.
        """
        self._space: Space[Any] | None = get_space(space) if space is not None else None

    @property
    def space(self) -> str:
        """Known once an architecture was read."""
        assert self._space is not None, "an architecture was read"
        return self._space.name

    def canonical(self, text: object) -> str:
        """The canonical form of an architecture in any format that shows itself.

        Raises:
            ProxyError: it is none, or is of another space than those before it.
        """
        space = self._space or _recognised(text)
        canonical: str = space.parse(text).architecture.canonical
        self._space = space
        return canonical

    def of_index(self, index: object) -> str:
        """The canonical form of an official NAS-Bench-201 number, as text or as a number.

        Raises:
            ProxyError: it is none, or the tables are of another space.
        """
        if self._space is not None and self._space.name != _INDEX_SPACE:
            raise InvalidTable(f"a column {INDEX_NAME!r} holds NAS-Bench-201 numbers, and this is {self._space.name}")
        space = get_space(_INDEX_SPACE)
        canonical: str = space.parse(index, _INDEX_FORMAT).architecture.canonical
        self._space = space
        return canonical


def architectures_of(table: TextTable, reader: Reader) -> tuple[str, ...]:
    """The architecture of each row, from the column that names it, the index, or both.

    Raises:
        InvalidTable: there is no such column, one of them names no architecture, or both are there and disagree.
    """
    named_by = [name for name in (*ARCHITECTURE_NAMES, INDEX_NAME) if name in table.header]
    if not named_by:
        raise InvalidTable(
            f"{table.source} does not say whose rows these are; "
            f"name a column {', '.join(ARCHITECTURE_NAMES)}, or {INDEX_NAME} (official NAS-Bench-201 numbers)"
        )
    read = {name: _read_column(table, name, reader) for name in named_by}
    first, *others = named_by
    for other in others:
        check_faults(
            f"{table.source}: columns {first!r} and {other!r} disagree",
            [
                Fault(table.at(row), f"{first} is {a}, {other} is {b}", "leave the wrong column out")
                for row, (a, b) in enumerate(zip(read[first], read[other], strict=True))
                if a != b
            ],
        )
    return read[first]


def each_once(table: Table, places: Sequence[str]) -> Table:
    """The same without rows that repeat another: a repetition that says the same is dropped, and counted.

    Args:
        places: where each row is, for messages.

    Raises:
        InvalidTable: two rows of one architecture say different things.
    """
    first: dict[str, int] = {}
    faults: list[Fault] = []
    for row, architecture in enumerate(table.architectures):
        before = first.setdefault(architecture, row)
        if before != row:
            faults += _differences(table, before, row, places)
    check_faults(f"{table.source} has architectures twice, with different numbers", faults)
    kept = list(first.values())
    if len(kept) == len(table.architectures):
        return table
    repeated = len(table.architectures) - len(kept)
    note = f"{table.source}: {repeated} rows repeat an architecture with the same numbers; each counts once"
    columns = {name: column[kept] for name, column in table.columns.items()}
    return Table(table.source, table.space, tuple(first), columns, (*table.notes, note))


def _differences(table: Table, before: int, row: int, places: Sequence[str]) -> list[Fault]:
    return [
        Fault(
            places[row],
            f"{table.architectures[row]} has {name} {column[row]:.12g}, and {column[before]:.12g} at {places[before]}",
            "keep one of them",
        )
        for name, column in table.columns.items()
        if not np.array_equal(column[row], column[before], equal_nan=True)
    ]


def _read_column(table: TextTable, name: str, reader: Reader) -> tuple[str, ...]:
    read: list[str] = []
    faults: list[Fault] = []
    for row, cell in enumerate(table.column(name)):
        try:
            read.append(reader.of_index(cell) if name == INDEX_NAME else reader.canonical(cell))
        except ProxyError as error:
            faults.append(Fault(table.at(row), error.message, f"every row needs its {name}"))
    check_faults(f"{table.source}: column {name!r} does not name architectures everywhere", faults)
    return tuple(read)


def _recognised(text: object) -> Space[Any]:
    """The one space of which the value shows itself to be."""
    fitting = [space for space in SPACES.values() if any(each.recognises(text) for each in space.formats.values())]
    if len(fitting) == 1:
        return fitting[0]
    kind = "could be of several spaces" if fitting else "fits no space by itself"
    raise InvalidTable(f"{shown(text)} {kind}; name the space: {', '.join(SPACES)}")
