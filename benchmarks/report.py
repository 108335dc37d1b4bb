"""How a benchmark prints what it measured."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured."""

    name: str
    seconds: float
    per_second: float | None = None
    ratio: float | None = None
    """To what the benchmark says it compares with."""


def report(name: str, settings: Mapping[str, object], rows: Sequence[Row], *, as_json: bool) -> None:
    """A table, or one JSON document."""
    if as_json:
        document = {
            "benchmark": name,
            "settings": dict(settings),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "rows": [asdict(row) for row in rows],
        }
        sys.stdout.write(json.dumps(document) + "\n")
        return
    width = max(len(row.name) for row in rows)
    sys.stdout.write(f"{name}: {', '.join(f'{key} {value}' for key, value in settings.items())}\n\n")
    sys.stdout.write(f"{'':{width}}  {'seconds':>9}  {'a second':>9}  {'ratio':>6}\n")
    for row in rows:
        rate = "" if row.per_second is None else f"{row.per_second:,.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
        sys.stdout.write(f"{row.name:{width}}  {row.seconds:9.3f}  {rate:>9}  {ratio:>6}\n")
