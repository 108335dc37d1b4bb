"""Scores as `croze score` writes them (JSON lines or CSV), or any CSV with one column a score. Torch-free.

Several files are joined by architecture: other scores of the same architectures, or the same scores of others.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from proxy.errors import Fault, ProxyError, allowed_names, shown
from proxy.evaluation.cells import TextTable, check_faults, is_text, named, numbers, parse_csv, read_text
from proxy.evaluation.errors import InvalidRequest, InvalidTable
from proxy.evaluation.members import ARCHITECTURE_NAMES, INDEX_NAME, Reader, architectures_of
from proxy.evaluation.ranks import Columns
from proxy.proxies import PROXIES

#: What an item of croze says of the architecture itself; may be held fixed without having been asked for. In CSV they
#: are there a second time if they were asked for as scores.
COUNTS: Final = ("params", "macs")
#: What a score depends on, in an item's scores. Scores of one proxy that differ in it are not comparable.
_CONDITIONS: Final = ("batch", "seed", "precision", "revision")
#: What a mean over several seeds tells of them.
_SPREAD, _SEEDS = "spread", "seeds"
_LOWER: Final = "lower_is_better"
#: How the CSV of `croze score` begins: its index is the item's.
_OWN_CSV: Final = ("index", "id", "status", "space")
#: What is beside its scores. An aggregate is a place among the items of one run: `--aggregate` makes it anew.
_OWN_OTHERS: Final = ("aggregate", "error", "representative")


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of architectures of one space, each architecture once, higher always better."""

    space: str
    architectures: tuple[str, ...]
    columns: Columns
    """Proxy -> score, NaN where there is none, shape [architectures]. Lower-is-better ones have their sign changed."""
    counts: Columns
    """`params` and `macs`, as far as the files tell them."""
    negated: tuple[str, ...] = ()
    """Scores whose sign was changed."""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Collected:
    """What the files said so far. A score that was not computed is not there."""

    reader: Reader
    values: dict[str, dict[str, float]] = field(default_factory=dict)
    """Proxy -> architecture -> score."""
    counts: dict[str, dict[str, float]] = field(default_factory=dict)
    conditions: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    """Proxy -> (where it was first seen, what it depends on)."""
    architectures: dict[str, None] = field(default_factory=dict)
    lower: set[str] = field(default_factory=set)
    repeated: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, proxy: str, architecture: str, value: float, at: str) -> None:
        """One score; NaN: there is none."""
        of_proxy = self.values.setdefault(proxy, {})
        if not np.isnan(value) and of_proxy.setdefault(architecture, value) != value:
            raise InvalidTable(
                f"{at}: {architecture} has {proxy} {value:.12g}, and {of_proxy[architecture]:.12g} before; "
                f"scores of different conditions are different scores: evaluate them one after the other"
            )

    def depend(self, proxy: str, conditions: Mapping[str, object], at: str) -> None:
        """What a score depends on has to be the same wherever it is told."""
        told = {key: str(value) for key, value in conditions.items()}
        before_at, before = self.conditions.setdefault(proxy, (at, told))
        differing = [
            f"{key} {told[key]}, before {before[key]}" for key in told if before.get(key, told[key]) != told[key]
        ]
        if differing:
            raise InvalidTable(
                f"{at}: {proxy} was scored with another {'; '.join(differing)} ({before_at}); "
                f"scores of different conditions have no common order: evaluate them one after the other"
            )


def read_scores(
    paths: Sequence[Path], *, space: str | None = None, only: Sequence[str] = (), lower: Sequence[str] = ()
) -> Scores:
    """Read and join files of scores.

    Args:
        space: of the architectures; None: as they show.
        only: the scores that matter; no others are kept. Empty: all.
        lower: scores of which lower is better, where neither the file nor our table of proxies says so.

    Raises:
        InvalidTable, InvalidRequest: what is wrong, and where.
    """
    collected = _Collected(Reader(space))
    for path in paths:
        text, before = read_text(path), len(collected.architectures)
        if text.lstrip()[:1] == "{":
            _read_lines(text, str(path), collected)
        else:
            _read_csv(parse_csv(text, str(path), COUNTS), collected, only)
        if len(collected.architectures) == before == 0:
            raise InvalidTable(f"{path} has no scores")
    return _scores(collected, only, lower)


def _scores(collected: _Collected, only: Sequence[str], lower: Sequence[str]) -> Scores:
    for name in (*only, *lower):
        if name not in collected.values:
            raise InvalidRequest(f"there is no score {shown(name)}; {allowed_names(name, collected.values)}")
    wanted, total = only or tuple(collected.values), len(collected.architectures)
    names = [name for name in wanted if collected.values[name]]
    without = {name: total - len(collected.values[name]) for name in wanted}
    notes = [*collected.notes]
    notes += [f"{name}: no value for {n} of {total} architectures" for name, n in without.items() if n]
    notes += [
        f"{file}: {n} architectures are there more than once, with the same scores"
        for file, n in collected.repeated.items()
        if n
    ]
    if not names:
        raise InvalidTable("no architecture has a score")
    negated = tuple(name for name in names if name in collected.lower or name in lower)
    notes += [f"{name}: lower is better, so its order was turned round" for name in negated]

    def column(values: Mapping[str, float], sign: float = 1.0) -> Any:
        return sign * np.array([values.get(each, np.nan) for each in collected.architectures], dtype=np.float64)

    return Scores(
        collected.reader.space,
        tuple(collected.architectures),
        {name: column(collected.values[name], -1.0 if name in negated else 1.0) for name in names},
        {name: column(values) for name, values in collected.counts.items()},
        negated,
        tuple(notes),
    )


def _read_lines(text: str, source: str, collected: _Collected) -> None:
    """Items of `croze score`, one a line."""
    lines = text.splitlines()
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        at = f"{source}:{number}"
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            _read_item(item, source, at, collected, seen)
        except ProxyError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            torn = number == len(lines) and not text.endswith("\n")
            hint = "the file was cut off there: let croze score finish it" if torn else "write it with croze score"
            raise InvalidTable(f"{at}: {shown(line)} is no result; {hint}") from error


def _read_item(item: Mapping[str, Any], source: str, at: str, collected: _Collected, seen: set[str]) -> None:
    scores = item["scores"]
    architecture = _architecture(item["architecture"], at, collected.reader)
    collected.architectures[architecture] = None
    collected.repeated[source] += architecture in seen
    seen.add(architecture)
    for name in COUNTS:
        if isinstance(item.get(name), int):
            collected.counts.setdefault(name, {})[architecture] = item[name]
    for name, score in (scores or {}).items():
        value = score["value"] if score["status"] == "scored" else None
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise TypeError
        collected.depend(name, {**item["settings"], **_conditions(score)}, at)
        collected.add(name, architecture, float(value) if value is not None and math.isfinite(value) else np.nan, at)
        if score.get("direction") == _LOWER:
            collected.lower.add(name)


def _conditions(score: Mapping[str, Any]) -> dict[str, object]:
    conditions: dict[str, object] = {key: score[key] for key in _CONDITIONS if key in score}
    if score.get(_SPREAD):
        conditions["seed"] = score[_SPREAD][_SEEDS]
    return conditions


def _read_csv(table: TextTable, collected: _Collected, only: Sequence[str]) -> None:
    own = table.header[: len(_OWN_CSV)] == _OWN_CSV and "architecture" in table.header
    if own:
        architectures = tuple(
            _architecture(cell, table.at(row), collected.reader)
            for row, cell in enumerate(table.column("architecture"))
        )
        names = _own_scores(table)
        settings = table.header[len(_OWN_CSV) : table.header.index("architecture")]
    else:
        architectures = architectures_of(table, collected.reader)
        others = [name for name in table.header if name not in (*ARCHITECTURE_NAMES, INDEX_NAME)]
        names = [name for name in others if (not only or name in only) and not is_text(table, name)]
        settings = ()
        left_out = [name for name in others if name not in names]
        if left_out and not only:
            collected.notes.append(f"{table.source}: columns that were not used: {named(left_out)}")
    if not names and not own:
        raise InvalidTable(f"{table.source} has no column of scores, only {named(table.header)}")
    columns = {name: numbers(table, name) for name in names}
    kept = [name for name in COUNTS if own and name in table.header]
    counts = {name: numbers(table, name) for name in kept}
    shapes = {name: table.column(name) for name in settings}
    for row, architecture in enumerate(architectures):
        at = table.at(row)
        collected.architectures[architecture] = None
        for name, column in columns.items():
            collected.depend(name, {key: cells[row] for key, cells in shapes.items()}, at)
            collected.add(name, architecture, float(column[row]), at)
        for name, column in counts.items():
            collected.counts.setdefault(name, {})[architecture] = float(column[row])
    collected.repeated[table.source] += len(architectures) - len(set(architectures))
    collected.lower |= {name for name in names if name in PROXIES and PROXIES[name].direction == _LOWER}


def _own_scores(table: TextTable) -> list[str]:
    """Headings of scores in our own CSV: what follows `connected`, less what is none and parts ("croze.features")."""
    after = table.header[table.header.index("connected") + 1 :] if "connected" in table.header else ()
    return [name for name in after if name not in _OWN_OTHERS and "." not in name]


def _architecture(value: Any, at: str, reader: Reader) -> str:
    try:
        return reader.canonical(value)
    except ProxyError as error:
        check_faults(f"{at} names no architecture", [Fault(at, error.message, "every row needs one")])
        raise
