"""[T] The process behind `croze bench`: `python -P -m proxy.bench [--quick] [--channels N] ROW...`.

Writes a line of JSON for all that happens:

    {"type": "progress", "what", "done", "total"}    rough seconds; `what` is measured now
    {"type": "row", "row"}                           a row is finished
    {"type": "document", "document"}                 the last line
"""

from __future__ import annotations

import argparse
import json
import sys

from proxy.bench.measure import Bench
from proxy.bench.rows import ROWS, Row, at_width, quick
from proxy.json_types import JsonObject


def main() -> None:
    """Measure what the command line names."""
    rows = _read_rows()
    total = sum(row.rough_seconds * row.rounds * len(row.genotypes) for row in rows)
    begun = 0.0

    def report(what: str, seconds: float) -> None:
        nonlocal begun
        _write({"type": "progress", "what": what, "done": begun, "total": total})
        begun += seconds

    report("the machine's peak", 0.0)
    bench = Bench(report)
    finished: list[JsonObject] = []
    for row in rows:
        finished.append(bench.row(row))
        _write({"type": "row", "row": finished[-1]})
    _write({"type": "document", "document": bench.document(finished)})


def _read_rows() -> list[Row]:
    parser = argparse.ArgumentParser(description="The process behind `croze bench`.")
    parser.add_argument("rows", nargs="+", choices=[*ROWS], metavar="ROW")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--channels", type=int)
    options = parser.parse_args()
    rows = [ROWS[name] for name in options.rows]
    if options.quick:
        rows = [*map(quick, rows)]
    return rows if options.channels is None else [at_width(row, options.channels) for row in rows]


def _write(event: JsonObject) -> None:
    sys.stdout.write(json.dumps(event, allow_nan=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
