"""The three ways to print items: one JSON object a line, CSV, and a table for people. All in input order."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, Protocol, TextIO

from rich.table import Table
from rich.text import Text

from app.cli.results import aggregate_of, failures, reference_of, score_of, spread_of, value_of
from app.cli.scoring_request import ScoringRequest
from app.cli.terminal import stdout
from proxy.json_types import JsonObject
from proxy.proxies import get_proxy

#: Characters of an architecture that are shown on the narrowest terminal.
_LEAST_ROOM: Final = 16
#: Columns for the place among all architectures of the space, empty where it is not known.
_PLACE: Final = ("percentile", "rank")
#: Columns for the spread over several seeds, if there are several.
_SPREAD: Final = ("std", "stderr")


class OutputFormat(StrEnum):
    """Values of `--format`."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Output(Protocol):
    """Takes the items of one request in input order."""

    def write(self, item: JsonObject) -> None:
        """One more item."""

    def finish(self) -> None:
        """That was the last one."""


class JsonLines:
    """One item object a line, numbers in full precision."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, item: JsonObject) -> None:
        self._stream.write(json.dumps(item, allow_nan=False) + "\n")
        self._stream.flush()  # whoever reads the pipe sees an item when it is there

    def finish(self) -> None:
        pass


class Csv:
    """A header and one row an item, numbers in full precision. Empty: no value."""

    def __init__(self, request: ScoringRequest, stream: TextIO) -> None:
        self._stream = stream
        self._writer = csv.writer(stream, lineterminator="\n")
        self._proxies = request.options.proxies
        self._settings = [setting.name for setting in request.space.settings]
        self._spread = _SPREAD if len(request.options.seeds) > 1 else ()
        kinds = {name: (*get_proxy(name).components, *self._spread, *_PLACE) for name in self._proxies}
        parts = [f"{name}.{part}" for name, its_parts in kinds.items() for part in its_parts]
        facts = ["index", "id", "status", "space", *self._settings, "architecture", "format", "params", "macs"]
        # Whose scores these are: only where that can be another's.
        self._shared = request.options.dedupe == "isomorphic"
        shared = ["representative"] if self._shared else []
        self._aggregate = [] if request.options.aggregate is None else ["aggregate", "aggregate.rank"]
        self._writer.writerow([*facts, "connected", *self._aggregate, *self._proxies, *parts, "error", *shared])

    def write(self, item: JsonObject) -> None:
        settings = item["settings"]
        assert isinstance(settings, dict)
        row: list[object] = [
            item["index"],
            item["id"],
            item["status"],
            item["space"],
            *(settings[name] for name in self._settings),
        ]
        row += [item[key] for key in ("architecture", "format", "params", "macs")]
        row += [json.dumps(item["connected"])]
        row += [aggregate_of(item).get(part) for part in ("value", "rank")] if self._aggregate else []
        row += [value_of(item, proxy) for proxy in self._proxies]
        for proxy in self._proxies:
            spread, place = spread_of(item, proxy) or {}, reference_of(item, proxy) or {}
            row += _components(item, proxy)
            row += [spread.get(part) for part in self._spread]
            row += [place.get(part) for part in _PLACE]
        row.append(" | ".join(failures(item)))
        if self._shared:
            representative = item["representative"]
            assert isinstance(representative, dict), "every item of such a request has one"
            row.append(representative["index"])
        self._writer.writerow(row)
        self._stream.flush()

    def finish(self) -> None:
        pass


class RankedTable:
    """A table for people, the best on top: by the aggregate, or else by the first proxy."""

    def __init__(self, request: ScoringRequest) -> None:
        self._request = request
        self._items: list[JsonObject] = []
        self._extra: dict[str, list[str]] = {}
        """Proxy -> what is shown beside its score, where that is known: its spread, its place in the space."""

    def write(self, item: JsonObject) -> None:
        self._items.append(item)

    def finish(self) -> None:
        proxies = self._request.options.proxies
        counts = [name for name in ("params", "macs") if name not in proxies]
        self._extra = {
            proxy: [name for name, look in _EXTRA.items() if any(look(item, proxy) for item in self._items)]
            for proxy in proxies
        }
        console = stdout()
        rows = [self._row(rank, item) for rank, item in enumerate(self._best_first(), start=1)]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("rank", "line"):
            table.add_column(heading, justify="right", style="dim", no_wrap=True)
        for heading in (*self._named(), *(each for proxy in proxies for each in self._headings(proxy)), *counts):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("architecture", no_wrap=True)
        # Cut where a terminal ends; in a file nothing is cut.
        others = sum(max(len(h), *(len(row[n]) for row in rows)) + 2 for n, h in enumerate(table_headings(table)[:-1]))
        room = max(_LEAST_ROOM, console.width - others) if console.is_terminal else None
        for row in rows:
            if room is not None:
                row[-1].truncate(room, overflow="ellipsis")
            table.add_row(*row)
        console.print(table)

    def _best_first(self) -> list[JsonObject]:
        if self._request.options.aggregate is None:
            return ranked(self._items, self._request.options.proxies[0])
        return sorted(self._items, key=lambda item: aggregate_of(item).get("rank") or len(self._items) + 1)

    def _named(self) -> list[str]:
        aggregate = self._request.options.aggregate
        return [] if aggregate is None else [aggregate.name]

    def _headings(self, proxy: str) -> list[str]:
        return [proxy, *self._extra[proxy]]

    def _row(self, rank: int, item: JsonObject) -> list[Text]:
        proxies = self._request.options.proxies
        index = item["index"]
        assert isinstance(index, int)
        best = aggregate_of(item).get("value") if self._named() else value_of(item, proxies[0])
        cells = [Text(str(rank) if best is not None else "-"), Text(_line_of(self._request.entries[index].where))]
        cells += [Text(number(best)) for _ in self._named()]
        for proxy in proxies:
            cells += [_shown_value(item, proxy), *(_shown_extra(item, proxy, name) for name in self._extra[proxy])]
        cells += [Text(quantity(item[key])) for key in ("params", "macs") if key not in proxies]
        cells.append(_shown_architecture(item))
        return cells


def table_headings(table: Table) -> list[str]:
    """The headings of a table, as text."""
    return [str(column.header) for column in table.columns]


def ranked(items: list[JsonObject], proxy: str) -> list[JsonObject]:
    """Best first; items without a value last; ties in input order."""
    sign = -1.0 if get_proxy(proxy).direction == "higher_is_better" else 1.0

    def key(item: JsonObject) -> tuple[bool, float]:
        value = value_of(item, proxy)
        return (value is None, sign * value if value is not None else 0.0)

    return sorted(items, key=key)


_UNITS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def quantity(value: object) -> str:
    """A count as people read it: 1289578 -> "1.29M"."""
    if not isinstance(value, int):
        return "-"
    for size, unit in _UNITS:
        if value >= size:
            return f"{value / size:.3g}{unit}" if value / size < 999.5 else f"{value / size:.0f}{unit}"
    return str(value)


def number(value: float | None) -> str:
    """A score as people compare it: six digits."""
    if value is None:
        return "-"
    return f"{value:.6g}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4e}"


def _shown_value(item: JsonObject, proxy: str) -> Text:
    value = value_of(item, proxy)
    if value is None:
        return Text("failed", style="bold red")
    return Text(quantity(int(value)) if proxy in ("params", "macs") else number(value))


#: Heading -> where its values are found.
_EXTRA: Final[dict[str, Callable[[Mapping[str, object], str], JsonObject | None]]] = {
    "std": spread_of,
    "percentile": reference_of,
}


def _shown_extra(item: JsonObject, proxy: str, name: str) -> Text:
    value = (_EXTRA[name](item, proxy) or {}).get(name)
    if not isinstance(value, int | float):
        return Text("-")
    return Text(f"{value:.1f}" if name == "percentile" else number(value))


def _shown_architecture(item: JsonObject) -> Text:
    name = f"{item['id']}  " if item["id"] else ""
    text = Text(f"{name}{item['architecture']}")
    if not item["connected"]:
        text = Text("disconnected  ", style="yellow") + text
    return text


def _line_of(where: str) -> str:
    """The number at the end of "cells.txt:3" or "argument 2"."""
    return where.replace(" ", ":").rpartition(":")[2]


def _components(item: Mapping[str, object], proxy: str) -> list[object]:
    score = score_of(item, proxy)
    components = score["components"] if score else {}
    assert isinstance(components, dict)
    return [components.get(part) for part in get_proxy(proxy).components]


OUTPUTS: Final[dict[OutputFormat, Callable[[ScoringRequest], Output]]] = {
    OutputFormat.TABLE: RankedTable,
    OutputFormat.JSON: lambda _request: JsonLines(sys.stdout),
    OutputFormat.CSV: lambda request: Csv(request, sys.stdout),
}
