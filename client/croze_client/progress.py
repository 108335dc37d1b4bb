"""Telling how far scoring has come: to a function of the caller's, or as a bar on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from croze_client.results import ItemResult


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. Told at the beginning, and after every item."""

    done: int
    total: int
    failed: int
    """How many of those done have no score."""


class Tally:
    """Counts results, each once."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done: set[int] = set()
        self._failed: set[int] = set()

    def progress(self) -> Progress:
        return Progress(len(self._done), self._total, len(self._failed))

    def count(self, result: ItemResult) -> Progress:
        """How far it is with this one."""
        self._done.add(result.index)
        if not result.ok:
            self._failed.add(result.index)
        return self.progress()


Report: TypeAlias = Callable[[Progress], None]
#: A function that is told; True for a bar of tqdm or rich, whichever is installed (nothing if neither is).
ProgressOption: TypeAlias = Report | bool | None


@contextmanager
def reporting(wanted: ProgressOption) -> Iterator[Report]:
    """Whom to tell."""
    if callable(wanted):
        yield wanted
        return
    for bar in (_tqdm, _rich) if wanted else ():
        try:
            made = bar()
        except ImportError:
            continue
        with made as report:
            yield report
        return
    yield _nobody


def _nobody(_: Progress) -> None:
    pass


def _tqdm() -> Any:
    from tqdm.auto import tqdm

    @contextmanager
    def bar() -> Iterator[Report]:
        with tqdm(unit="architecture") as shown:

            def report(now: Progress) -> None:
                shown.total = now.total
                shown.update(now.done - shown.n)
                if now.failed:
                    shown.set_postfix(failed=now.failed)

            yield report

    return bar()


def _rich() -> Any:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (*Bars.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    # On stderr, as tqdm's. Prints go above the bar, and so to where it is: not if they are for a file.
    console, printed_here = Console(stderr=True), sys.stdout.isatty()

    @contextmanager
    def bar() -> Iterator[Report]:
        with Bars(*columns, console=console, redirect_stdout=printed_here) as shown:
            task = shown.add_task("scoring")
            yield lambda now: shown.update(task, completed=now.done, total=now.total)

    return bar()
