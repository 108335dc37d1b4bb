"""`croze validate` and `croze convert`: what genotypes are, and how others write them. No service is needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from app.architectures.service import validated, write
from app.cli.architectures_file import Entry, Unreadable, read_entries
from app.cli.errors import UsageError
from app.cli.output import quantity
from app.cli.scoring_request import describe
from app.cli.terminal import count, stdout
from proxy.data import DEFAULT_BATCH, load_batch
from proxy.errors import InvalidArchitecture, ProxyError
from proxy.json_types import JsonObject, JsonValue
from proxy.spaces import SPACES, get_space
from proxy.spaces._base import Parsed, Space
from proxy.spaces.reading import format_of, read, space_of

VALIDATE_EXAMPLES: Final = """
Examples:

  croze validate index:2631 natsbench-tss-12

  croze validate -f cells.txt --from naslib_nb201 --json | jq .canonical

What does not say what it is comes with all that it could be. Lines are read as
by croze score.

Exit code: 0 every genotype is an architecture, 1 some are not.
"""
CONVERT_EXAMPLES: Final = """
Examples:

  croze convert --to naslib_nb201 index:2631

  croze convert --to nb201_str --from nb201_spec -f cells.txt > strings.txt

  croze convert --to nb301_config --allow-reordering -f darts.txt

A line comes out for each that goes in: a string as it is, anything else as
JSON. What a format cannot hold is never dropped: nothing is written then, and
all that would be lost is told.

Exit code: 0 all are written, 2 the input is wrong or would be lost in part.
"""

_Architectures = Annotated[
    list[str] | None, typer.Argument(metavar="[ARCH]...", help="Genotypes, index:NUMBER, or - for standard input.")
]
_File = Annotated[
    str | None, typer.Option("--file", "-f", metavar="FILE", help="One architecture a line; - is standard input.")
]
_Space = Annotated[
    str | None,
    typer.Option(
        "--space", metavar="SPACE", help=f"{' or '.join(SPACES)}; needed only where a genotype leaves it open."
    ),
]
_From = Annotated[
    str | None, typer.Option("--from", metavar="FORMAT", help="Of genotypes that do not show it, e.g. naslib_nb201.")
]


@dataclass(frozen=True, slots=True)
class _Read:
    """One genotype, and what it is."""

    where: str
    id: str | None
    space: Space[Any] | None
    """None if it is of none."""
    parsed: Parsed[Any] | ProxyError


def validate(
    architectures: _Architectures = None,
    file: _File = None,
    space: _Space = None,
    tag: _From = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, with all that is known.")] = False,
) -> None:
    """Say what genotypes are, or what is wrong with them. Scores nothing."""
    found = [*_read_all(architectures or [], file, space, tag)]
    if as_json:
        for index, each in enumerate(found):
            sys.stdout.write(json.dumps(_json(index, each)) + "\n")
    else:
        stdout().print(_table(found))
    if any(isinstance(each.parsed, ProxyError) for each in found):
        raise typer.Exit(1)


def convert(
    to: Annotated[str, typer.Option(metavar="FORMAT", help="What to write, e.g. nb201_str.")],
    architectures: _Architectures = None,
    file: _File = None,
    space: _Space = None,
    tag: _From = None,
    allow_reordering: Annotated[
        bool,
        typer.Option(
            "--allow-reordering",
            help="Where a format keeps no order: the same function, its weights drawn in another order.",
        ),
    ] = False,
) -> None:
    """Write genotypes in another format."""
    lines: list[JsonValue] = []
    faults: list[str] = []
    for each in _read_all(architectures or [], file, space, tag):
        try:
            lines.append(_written(each, to, reorder=allow_reordering))
        except ProxyError as error:
            faults += describe(each.where, error)
    if faults:
        raise UsageError(f"{count(len(faults), 'genotype')} cannot be written as {to}; nothing was written", faults)
    for line in lines:
        sys.stdout.write((line if isinstance(line, str) else json.dumps(line)) + "\n")


def _written(each: _Read, to: str, *, reorder: bool) -> JsonValue:
    if isinstance(each.parsed, ProxyError):
        raise each.parsed
    assert each.space is not None, "an architecture has a space"
    return write(each.parsed.architecture, each.space, format_of(each.space, to), reorder=reorder)[0]


def _read_all(architectures: list[str], file: str | None, space_name: str | None, tag: str | None) -> Iterator[_Read]:
    """What the user wrote, in order.

    Raises:
        UsageError: there is nothing, a file cannot be read, or there is no such space.
    """
    if file is None and not architectures and not sys.stdin.isatty():
        architectures = ["-"]  # croze validate < cells.txt
    try:
        space = None if space_name is None else get_space(space_name)
    except ProxyError as error:
        raise UsageError(error.message) from error
    found = [_read_one(entry, space) for entry in read_entries(architectures, file, tag)]
    if not found:
        raise UsageError("no genotype given; write one as an argument, or name a file with -f (- is standard input)")
    yield from found


def _read_one(entry: Entry | Unreadable, space: Space[Any] | None) -> _Read:
    if isinstance(entry, Unreadable):
        return _Read(entry.where, None, space, InvalidArchitecture(entry.problem))
    try:
        its_space = space or space_of(entry.value, entry.format)
    except ProxyError as error:
        return _Read(entry.where, entry.id, None, error)
    try:
        return _Read(entry.where, entry.id, its_space, read(its_space, entry.value, entry.format))
    except ProxyError as error:
        return _Read(entry.where, entry.id, its_space, error)


def _json(index: int, each: _Read) -> JsonObject:
    """As the service answers; a genotype of no space has none."""
    batch = load_batch(DEFAULT_BATCH)
    space = each.space or next(iter(SPACES.values()))
    settings = space.complete_settings({}, batch.classes)
    item = validated(index, each.id, each.parsed, space, settings, batch.image)
    return item if each.space else {**item, "space": None}


def _table(found: list[_Read]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("line", "format", "params", "connected"):
        table.add_column(heading, no_wrap=True)
    table.add_column("architecture", overflow="fold")
    for each in found:
        table.add_row(*_row(each))
    return table


def _row(each: _Read) -> tuple[Text, ...]:
    if isinstance(each.parsed, ProxyError):
        what = f"{each.parsed.code}: {each.parsed.message}"
        return Text(each.where), Text("-"), Text("-"), Text("-"), Text(what, style="red")
    item = _json(0, each)
    facts = item["facts"]
    assert isinstance(facts, dict), "an object"
    numbers = [f"{name} {fact}" for name, fact in facts.items() if isinstance(fact, int)]
    what = "  ".join([each.parsed.architecture.canonical, *numbers])
    connected = "yes" if item["connected"] else "no"
    return Text(each.where), Text(each.parsed.format), Text(quantity(item["params"])), Text(connected), Text(what)
