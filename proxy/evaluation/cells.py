"""CSV files as rows of text, and their columns as numbers. Every fault is named with its line. Torch-free."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from proxy.errors import Fault, shown
from proxy.evaluation.errors import InvalidTable
from proxy.evaluation.ranks import Floats

#: Lines that begin so before the header say where a table is from.
_COMMENT: Final = "#"
#: How files of torch and pickle begin: as a zip archive, and as pickles of protocol 2 and later.
_PICKLES: Final = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_PICKLE_NAMES: Final = (".pth", ".pt", ".pkl", ".pickle")
#: NAS-Bench-201 with a hundred columns is 20 MB.
MAX_BYTES: Final = 2**30


@dataclass(frozen=True, slots=True)
class TextTable:
    """A CSV file: a header, and as many cells in each row."""

    source: str
    """The file's name, for messages."""
    header: tuple[str, ...]
    lines: tuple[int, ...]
    """The line of each row, from 1."""
    rows: tuple[Sequence[str], ...]

    def at(self, row: int) -> str:
        """Where a row is: "table.csv:12"."""
        return f"{self.source}:{self.lines[row]}"

    def column(self, name: str) -> list[str]:
        """The cells below a heading."""
        number = self.header.index(name)
        return [row[number].strip() for row in self.rows]


def read_text(path: Path) -> str:
    """A text file, as UTF-8. It is read once, so that it may be a pipe.

    Raises:
        InvalidTable: it cannot be read, is too large, or is no text.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InvalidTable(f"{path} is larger than {MAX_BYTES} bytes; it is not read")
        refuse_pickle(path, content)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidTable(f"{path} is not UTF-8 text (byte {error.start}: {error.reason})") from error
    except OSError as error:
        raise InvalidTable(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        if isinstance(error, InvalidTable):
            raise
        raise InvalidTable(f"cannot read {path}: {error}") from error


def refuse_pickle(path: Path, content: bytes = b"") -> None:
    """Refuse what is a pickle by its name or its first bytes.

    Raises:
        InvalidTable: it is.
    """
    if path.suffix.lower() in _PICKLE_NAMES or content.startswith(_PICKLES):
        raise InvalidTable(
            f"{path} is a pickle, which can run any code when it is read, so it is not read here; "
            f"if you trust it, load it with the benchmark's own API and write a CSV: docs/evaluate.md shows how"
        )


def parse_csv(text: str, source: str, repeatable: Collection[str] = ()) -> TextTable:
    """Read a CSV file with a header; lines before it that begin with # are skipped.

    Args:
        repeatable: headings that may be there twice, with the same numbers below: the first counts.

    Raises:
        InvalidTable: it is no CSV, has no header or no rows, a heading is missing or there twice, or rows differ in
            length.
    """
    lines = text.splitlines()
    skipped = 0
    while skipped < len(lines) and (not lines[skipped].strip() or lines[skipped].startswith(_COMMENT)):
        skipped += 1
    reader = csv.reader(lines[skipped:], strict=True)
    try:
        read = [(skipped + reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise InvalidTable(f"{source}:{skipped + reader.line_num} is no CSV: {error}") from error
    if len(read) < 2:
        raise InvalidTable(f"{source} has {'a header and no rows' if read else 'no header'}; write a header line first")
    (_, heading), *rows = read
    header = tuple(name.strip() for name in heading)
    check_faults(f"{source} has a wrong header", _header_faults(source, header, repeatable))
    check_faults(
        f"{source} has rows of the wrong length",
        [
            Fault(f"{source}:{line}", f"{len(row)} cells", f"the header has {len(header)}")
            for line, row in rows
            if len(row) != len(header)
        ],
    )
    return TextTable(source, header, tuple(line for line, _ in rows), tuple(row for _, row in rows))


def is_text(table: TextTable, name: str) -> bool:
    """Whether no cell of the column is a number: a remark, not a measurement."""
    return not any(_number(cell) is not None for cell in table.column(name))


def numbers(table: TextTable, name: str) -> Floats:
    """The column as numbers, NaN where a cell is empty or not finite, shape [rows].

    Raises:
        InvalidTable: a cell is something else.
    """
    cells = table.column(name)
    values = [_number(cell) if cell else math.nan for cell in cells]
    check_faults(
        f"{table.source}: column {shown(name)} is not all numbers",
        [
            Fault(table.at(row), f"{shown(cell)} is no number", "write a number, or leave the cell empty")
            for row, (cell, value) in enumerate(zip(cells, values, strict=True))
            if value is None
        ],
    )
    column = np.array(values, dtype=np.float64)
    column[~np.isfinite(column)] = np.nan
    return column


def check_faults(message: str, faults: Sequence[Fault]) -> None:
    """Raise all of them, if there are any.

    Raises:
        InvalidTable: there are.
    """
    if faults:
        raise InvalidTable(message, faults)


def named(names: Iterable[str], limit: int = 8) -> str:
    """Names as a message lists them, a long list cut."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _header_faults(source: str, header: Sequence[str], repeatable: Collection[str]) -> list[Fault]:
    repair = "give each column a name of its own"
    empty = [Fault(source, f"column {n} has no name", repair) for n, name in enumerate(header, start=1) if not name]
    twice = sorted({name for name in header if name and header.count(name) > 1} - set(repeatable))
    return empty + [Fault(source, f"{shown(name)} is there more than once", repair) for name in twice]


def _number(cell: str) -> float | None:
    # float() also reads "1_000" and digits of other scripts.
    try:
        return float(cell) if cell.isascii() and "_" not in cell else None
    except ValueError:
        return None
