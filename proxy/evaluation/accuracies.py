"""Tables of accuracies, whatever their layout: by what is found at the path. Torch-free, and no pickles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from proxy.evaluation.cells import TextTable, is_text, named, numbers, parse_csv, read_text, refuse_pickle
from proxy.evaluation.errors import InvalidTable
from proxy.evaluation.members import ARCHITECTURE_NAMES, INDEX_NAME, Reader, Table, architectures_of, each_once
from proxy.evaluation.published import META, read_jung_folder, read_robbench
from proxy.evaluation.ranks import Floats
from proxy.evaluation.targets import needed
from proxy.evaluation.units import Unit, in_percent, split_heading

#: Columns of known tables that are numbers, and no accuracies.
NO_TARGETS: Final = ("isomorph_index", "row", "id", "params", "macs", "flops")
DEFAULT_DATASET: Final = "cifar10"


def read_accuracies(
    *paths: Path,
    space: str | None = None,
    unit: Unit | None = None,
    dataset: str = DEFAULT_DATASET,
    targets: Sequence[str] = (),
) -> Table:
    """Measured accuracies, all in percent; several tables are joined by architecture.

    Args:
        space: of the architectures; None: as they show.
        unit: of columns whose heading does not say it; None: seen from the numbers. Only for CSV.
        dataset: which one, of benchmarks that have several.
        targets: names of targets (`targets`). Of a CSV only the columns that these need are read; without, all.

    Raises:
        InvalidTable, InvalidRequest: what is wrong, and where.
    """
    sources = [_source(path, dataset) for path in paths]
    available = [name for each in sources for name in each.names]
    wanted = frozenset(needed(available, targets)) if targets else None
    tables = [each.read(space, unit, wanted) if isinstance(each, _Csv) else each.read(wanted) for each in sources]
    return _joined([table for table in tables if table.columns])


class _Csv:
    """A CSV of which the columns are known and not yet read."""

    def __init__(self, table: TextTable) -> None:
        self._table = table
        self._headings: dict[str, str] = {}
        for heading in table.header:
            name = split_heading(heading)[0]
            if name in self._headings:
                raise InvalidTable(f"{table.source}: {heading!r} and {self._headings[name]!r} are one column twice")
            self._headings[name] = heading
        self.names = [name for name in self._headings if name not in (*ARCHITECTURE_NAMES, INDEX_NAME)]

    def read(self, space: str | None, unit: Unit | None, wanted: Collection[str] | None) -> Table:
        """These columns, or without any named all that may be accuracies."""
        table, reader = self._table, Reader(space)
        architectures = architectures_of(table, reader)
        names = [name for name in self.names if self._is_target(name, wanted)]
        if not names and wanted is None:
            raise InvalidTable(f"{table.source} has no column of accuracies, only {named(table.header)}")
        left_out = [name for name in self.names if name not in names]
        notes = (
            [f"{table.source}: columns that were not used: {named(left_out)}"] if left_out and wanted is None else []
        )
        columns = {name: numbers(table, self._headings[name]) for name in names}
        read = Table(table.source, reader.space, architectures, columns, tuple(notes))
        read = each_once(read, [table.at(row) for row in range(len(table.rows))])
        declared = {name: split_heading(self._headings[name])[1] for name in names}
        return replace(read, columns=in_percent(read.source, read.columns, declared, unit))

    def _is_target(self, name: str, wanted: Collection[str] | None) -> bool:
        if wanted is not None:
            return name in wanted
        return name not in NO_TARGETS and not is_text(self._table, self._headings[name])


class _Published:
    """A benchmark in its authors' layout."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.names = [*table.columns]

    def read(self, wanted: Collection[str] | None) -> Table:
        """These columns, or all."""
        columns = self._table.columns
        kept = {name: column for name, column in columns.items() if wanted is None or name in wanted}
        return replace(self._table, columns=kept)


def _source(path: Path, dataset: str) -> _Csv | _Published:
    if path.is_dir():
        if not (path / META).is_file():
            raise InvalidTable(f"folder {path} has no {META}; folders are read in the layout of Jung et al. (2023)")
        return _Published(read_jung_folder(path, dataset))
    refuse_pickle(path)
    if path.suffix.lower() == ".json":
        return _Published(read_robbench(path, dataset))
    return _Csv(parse_csv(read_text(path), str(path)))


def _joined(tables: Sequence[Table]) -> Table:
    """All rows and all columns; NaN where a table does not have the architecture."""
    first, *others = tables
    if not others:
        return first
    spaces = {table.space for table in tables}
    if len(spaces) > 1:
        raise InvalidTable(f"the tables of accuracies are of different spaces: {', '.join(sorted(spaces))}")
    architectures = tuple(dict.fromkeys(each for table in tables for each in table.architectures))
    row_of = {architecture: row for row, architecture in enumerate(architectures)}
    columns: dict[str, Floats] = {}
    for table in tables:
        rows = np.array([row_of[each] for each in table.architectures], dtype=np.intp)
        for name, column in table.columns.items():
            if name in columns:
                raise InvalidTable(f"{table.source}: column {name!r} is in another table of accuracies too; rename one")
            columns[name] = np.full(len(architectures), np.nan)
            columns[name][rows] = column
    source = named(table.source for table in tables)
    return Table(source, first.space, architectures, columns, tuple(note for table in tables for note in table.notes))
