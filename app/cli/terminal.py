"""The two streams: results go to `stdout`, everything that is said about them to `stderr`."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

from app.cli.errors import CommandError

#: Faults shown before the rest is only counted: a wrong file of 15,625 lines must not scroll everything away.
DETAILS_SHOWN = 20


def stdout() -> Console:
    """For results. Made on each call, so that it follows a redirected `sys.stdout`."""
    return Console(file=sys.stdout, highlight=False)


def stderr() -> Console:
    """For progress, hints and errors."""
    return Console(file=sys.stderr, highlight=False)


def show_error(error: CommandError) -> None:
    """Print an error as people read it: what, then the details, one a line and not wrapped."""
    console = stderr()
    console.print(f"[bold red]error:[/] {escape(error.message)}", soft_wrap=True)
    for line in error.details[:DETAILS_SHOWN]:
        console.print(f"  {escape(line)}", soft_wrap=True)
    more = len(error.details) - DETAILS_SHOWN
    if more > 0:
        console.print(f"  ... and {more} more", soft_wrap=True)
