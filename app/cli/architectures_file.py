"""Reads architectures as people write them: arguments, files, standard input.

A line holds one architecture: a string, or JSON (a string, a list, an object). An object with the key "architecture"
may also say the format and the id: {"architecture": ..., "format": ..., "id": ...}. `index:2631` is an official
NAS-Bench-201 number. Blank lines and lines that begin with # are skipped.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.cli.errors import UsageError
from proxy.errors import shown
from proxy.json_types import JsonValue

#: A bare number could mean several things, so that on the command line it carries a name.
_INDEX: Final = re.compile(r"index:\s*(\d{1,9})")
_INDEX_FORMAT: Final = "nats_tss_index"
#: As over HTTP.
MAX_ID_LENGTH: Final = 200
_WRAPPER_KEYS: Final = ("architecture", "format", "id")
#: JSON that holds one of our values begins with one of these; everything else is a string as it stands.
_JSON_STARTS: Final = ("{", "[", '"')


@dataclass(frozen=True, slots=True)
class Entry:
    """One architecture as written."""

    where: str
    """For error texts: "cells.txt:3", "argument 2"."""
    value: JsonValue
    format: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that holds no architecture."""

    where: str
    problem: str


def read_entries(
    arguments: Sequence[str], file: str | None, format_name: str | None = None
) -> Iterator[Entry | Unreadable]:
    """All architectures of a command line, in order: the arguments, then the file.

    `-` as file or as argument is standard input. `format_name` is that of entries which name none.

    Raises:
        UsageError: a file cannot be read, is no UTF-8 text, or standard input is asked for twice.
    """
    sources = [file] if file is not None else []
    if [*arguments, *sources].count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    for entry in _read_all(arguments, sources):
        if isinstance(entry, Entry) and entry.format is None:
            yield Entry(entry.where, entry.value, format_name, entry.id)
        else:
            yield entry


def _read_all(arguments: Sequence[str], sources: Sequence[str]) -> Iterator[Entry | Unreadable]:
    for number, argument in enumerate(arguments, start=1):
        if argument == "-":
            yield from _read_file("-")
        else:
            yield _read_entry(f"argument {number}", argument.strip())
    for source in sources:
        yield from _read_file(source)


def _read_file(name: str) -> Iterator[Entry | Unreadable]:
    label = "standard input" if name == "-" else name
    try:
        if name == "-":
            sys.stdin.reconfigure(encoding="utf-8-sig")  # type: ignore[union-attr]
            yield from _read_lines(label, sys.stdin)
        else:
            with Path(name).open(encoding="utf-8-sig") as lines:  # a byte order mark is no part of a genotype
                yield from _read_lines(label, lines)
    except UnicodeDecodeError as error:
        raise UsageError(f"{label} is not UTF-8 text (byte {error.start}: {error.reason})") from error
    except OSError as error:
        raise UsageError(f"cannot read {label}: {error.strerror}") from error


def _read_lines(label: str, lines: Iterable[str]) -> Iterator[Entry | Unreadable]:
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield _read_entry(f"{label}:{number}", text)


def _read_entry(where: str, text: str) -> Entry | Unreadable:
    try:
        if text.startswith(_JSON_STARTS):
            return _from_json(where, text)
        if text.startswith("index:"):
            return Entry(where, _index(text), _INDEX_FORMAT)
        return Entry(where, text)
    except ValueError as error:
        return Unreadable(where, str(error))


def _index(text: str) -> int:
    match = _INDEX.fullmatch(text)
    if match is None:
        raise ValueError(f"{shown(text)} is no index; write index:NUMBER, e.g. index:2631")
    return int(match[1])


def _from_json(where: str, text: str) -> Entry:
    try:
        value: JsonValue = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{shown(text)} is not JSON ({error.msg}, column {error.colno}); one architecture a line"
        ) from error
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    if not isinstance(value, dict) or "architecture" not in value:
        return Entry(where, value)
    unknown = [key for key in value if key not in _WRAPPER_KEYS]
    if unknown:
        raise ValueError(f"unknown key {shown(unknown[0])} beside 'architecture'; allowed: {', '.join(_WRAPPER_KEYS)}")
    name = _text(value, "id")
    if name is not None and not 0 < len(name) <= MAX_ID_LENGTH:
        raise ValueError(f"'id' is {shown(name)}; allowed: a string of 1 to {MAX_ID_LENGTH} characters")
    return Entry(where, value["architecture"], _text(value, "format"), name)


def _text(wrapper: dict[str, JsonValue], key: str) -> str | None:
    value = wrapper.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"'{key}' is {shown(value)}; it must be a string")
    return value
