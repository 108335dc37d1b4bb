"""The two streams: results go to `stdout`, everything that is said about them to `stderr`."""

from __future__ import annotations

import sys
from typing import Final, TextIO

from rich.console import Console
from rich.markup import escape

from app.cli.errors import CommandError

#: Faults shown before the rest is only counted: a wrong file of 15,625 lines must not scroll everything away.
DETAILS_SHOWN: Final = 20
FILE_WIDTH: Final = 4096


def stdout() -> Console:
    """For results. Made on each call, so that it follows a redirected `sys.stdout`."""
    return _console(sys.stdout)


def stderr() -> Console:
    """For progress, hints and errors."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    # Only a terminal has an edge: in a file or a pipe nothing is wrapped or cut.
    return Console(file=stream, highlight=False, width=None if stream.isatty() else FILE_WIDTH)


def show_error(error: CommandError) -> None:
    """Print an error as people read it: what, then the details, one a line and not wrapped."""
    console = stderr()
    console.print(f"[bold red]error:[/] {escape(error.message)}", soft_wrap=True)
    for line in error.details[:DETAILS_SHOWN]:
        console.print(f"  {escape(line)}", soft_wrap=True)
    more = len(error.details) - DETAILS_SHOWN
    if more > 0:
        console.print(f"  ... and {more} more", soft_wrap=True)


def count(number: int, noun: str) -> str:
    """`1 worker`, `2 workers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
