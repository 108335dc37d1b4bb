"""How a command that computes is ended from outside: nothing is left running, and the exit code says what ended it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from app.cli.terminal import stderr


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends like Ctrl-C, with its own exit code."""


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C, so that engines end and a job at a service is canceled.

    Raises:
        typer.Exit: 130, 143, or 1 if whoever read standard output has left.
    """
    try:
        with _sigterm_interrupts():
            yield
    except _Terminated:
        raise typer.Exit(128 + signal.SIGTERM) from None
    except KeyboardInterrupt:
        stderr().print("interrupted; nothing is left running")
        raise typer.Exit(128 + signal.SIGINT) from None
    except BrokenPipeError:  # croze score ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _Terminated

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
