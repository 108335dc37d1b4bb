"""Writes the tables and the plot of docs/evidence.md, out of the CSV files in this folder: `make evidence`."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.evidence import doubts, tables
from benchmarks.evidence.plots import draw_all

TABLES: Final = {**tables.TABLES, **doubts.TABLES}
PAGE: Final = Path(__file__).parents[2] / "docs" / "evidence.md"
#: Where a table goes: between a comment that names it and one that ends it.
_PLACE: Final = re.compile(r"(<!-- table: (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str) -> str:
    """The page with every table made anew."""

    def table(place: re.Match[str]) -> str:
        sys.stderr.write(f"{place['name']} ...\n")
        return f"{place[1]}{TABLES[place['name']]()}\n{place[3]}"

    return _PLACE.sub(table, page)


def main() -> None:
    PAGE.write_text(filled(PAGE.read_text("utf-8")), "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        draw_all(Path(folder), PAGE.parent)


if __name__ == "__main__":
    main()
