"""Tables of accuracies, whatever their layout: by what is found at the path. Torch-free, and no pickles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proxy.evaluation.cells import TextTable, is_text, named, numbers, parse_csv, read_text, refuse_pickle
from proxy.evaluation.errors import InvalidTable
from proxy.evaluation.members import ARCHITECTURE_NAMES, INDEX_NAME, Reader, Table, architectures_of, each_once
from proxy.evaluation.published import META, read_jung_folder, read_robbench
from proxy.evaluation.targets import needed
from proxy.evaluation.units import Unit, in_percent, split_heading

#: Columns of known tables that are numbers, and no accuracies.
NO_TARGETS: Final = ("isomorph_index", "row", "id", "params", "macs", "flops")
DEFAULT_DATASET: Final = "cifar10"


def read_accuracies(
    path: Path,
    *,
    space: str | None = None,
    unit: Unit | None = None,
    dataset: str = DEFAULT_DATASET,
    targets: Sequence[str] = (),
) -> Table:
    """Measured accuracies, all in percent.

    Args:
        space: of the architectures; None: as they show.
        unit: of columns whose heading does not say it; None: seen from the numbers. Only for CSV.
        dataset: which one, of benchmarks that have several.
        targets: names of targets (`targets`). Of a CSV only the columns that these need are read; without, all.

    Raises:
        InvalidTable, InvalidRequest: what is wrong, and where.
    """
    if path.is_dir():
        if not (path / META).is_file():
            raise InvalidTable(f"folder {path} has no {META}; folders are read in the layout of Jung et al. (2023)")
        return read_jung_folder(path, dataset)
    refuse_pickle(path)
    if path.suffix.lower() == ".json":
        return read_robbench(path, dataset)
    return _read_csv(parse_csv(read_text(path), str(path)), space, unit, targets)


def _read_csv(table: TextTable, space: str | None, unit: Unit | None, targets: Sequence[str]) -> Table:
    reader = Reader(space)
    architectures = architectures_of(table, reader)
    headings = {split_heading(heading)[0]: heading for heading in table.header}
    others = [name for name in headings if name not in (*ARCHITECTURE_NAMES, INDEX_NAME)]
    wanted = needed(others, targets) or [
        name for name in others if name not in NO_TARGETS and not is_text(table, headings[name])
    ]
    if not wanted:
        raise InvalidTable(f"{table.source} has no column of accuracies, only {named(table.header)}")
    left_out = [name for name in others if name not in wanted]
    columns = {name: numbers(table, headings[name]) for name in wanted}
    declared = {name: split_heading(headings[name])[1] for name in wanted}
    notes = [f"{table.source}: columns that were not used: {named(left_out)}"] if left_out and not targets else []
    read = Table(table.source, reader.space, architectures, columns, tuple(notes))
    read = each_once(read, [table.at(row) for row in range(len(table.rows))])
    return Table(
        read.source, read.space, read.architectures, in_percent(read.source, read.columns, declared, unit), read.notes
    )
