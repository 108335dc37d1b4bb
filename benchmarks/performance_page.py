"""Puts what was measured into docs/performance.md.

    python -m benchmarks.performance_page            # rewrites the page
    python -m benchmarks.performance_page --check    # exit code 1 if that would change it

Reads benchmarks/results/bench.json (`croze bench --json`) and cost_by_size.csv (`benchmarks.cost_by_size`), as far as
they are there. What a person wrote on the page stays.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Final

from app.cli.bench_report import markdown, seconds

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "performance.md"
RESULTS: Final = ROOT / "benchmarks" / "results"
PLOT: Final = "cost-by-size.png"
BEGIN: Final = "<!-- measured: written by benchmarks/performance_page.py -->\n"
END: Final = "<!-- end of measured -->\n"
#: Sweep of cost_by_size.csv -> heading of its sizes.
SWEEPS: Final = {"batch": "images", "channels": "channels", "job": "architectures in a job"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit code 1 if the page is not up to date"
    )
    check = parser.parse_args().check
    old = PAGE.read_text("utf-8")
    new = rendered(old, RESULTS, PAGE.parent)
    if check and new != old:
        sys.exit(f"{PAGE} does not show what is in {RESULTS}; repair: python -m benchmarks.performance_page")
    if not check:
        PAGE.write_text(new, "utf-8")


def rendered(page: str, results: Path, docs: Path) -> str:
    """The page with its measured part replaced by what is in the folder `results`.

    Raises:
        ValueError: the page has not exactly one measured part.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest:
        raise ValueError(f"the page needs one part that begins with {BEGIN!r} and ends with {END!r}")
    parts = [*_bench(results / "bench.json"), *_costs(results / "cost_by_size.csv"), *_plot(docs / PLOT)]
    return before + begin + "".join(f"\n{part}" for part in parts) + ("\n" if parts else "") + end + after


def _bench(file: Path) -> list[str]:
    return [markdown(json.loads(file.read_text("utf-8")))] if file.exists() else []


def _costs(file: Path) -> list[str]:
    """One small table a sweep."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    tables = []
    for sweep, heading in SWEEPS.items():
        sizes = {int(row["size"]): row for row in rows if row["sweep"] == sweep}
        cells = [[heading, "float64", "float32"], ["---:"] * 3]
        cells += [[str(size), *(_cost(rows, sweep, size, name) for name in cells[0][1:])] for size in sizes]
        tables.append("".join(f"| {' | '.join(line)} |\n" for line in cells))
    return tables


def _cost(rows: list[dict[str, str]], sweep: str, size: int, precision: str) -> str:
    key = sweep, str(size), precision
    (value,) = (row["seconds"] for row in rows if (row["sweep"], row["size"], row["precision"]) == key)
    return seconds(float(value))


def _plot(file: Path) -> list[str]:
    return [f"![What a score costs by batch size, channels and job size]({file.name})\n"] if file.exists() else []


if __name__ == "__main__":
    main()
