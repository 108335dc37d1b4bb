"""How far it is: a live bar with rate and time left on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

#: Plain lines are for log files: often enough to see life, rare enough to read.
PLAIN_INTERVAL_S: Final = 10.0
#: Several engines finish their first items together: a rate is told from a while later on.
MIN_PACE_S: Final = 1.0


class ProgressReport(Protocol):
    """Told of every item as it finishes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def advance(self, *, failed: bool, note: str = "") -> None:
        """One more item is finished. `note`: what else is shown from now on."""


def report_progress(
    console: Console, total: int, *, done: int = 0, label: str = "scoring", bar: bool | None = None
) -> ProgressReport:
    """Reports the way to `total`, `done` of which were finished before. `bar` forces a kind; None asks the console."""
    use_bar = console.is_terminal if bar is None else bar
    pace = _Pace(total, done)
    return _Bar(console, pace, label) if use_bar else _Lines(console, pace, label)


class _Pace:
    """Counts, rate and time left. The clock starts with the first item: start-up is no part of the rate."""

    def __init__(self, total: int, done: int = 0) -> None:
        self.total = total
        self.done = done
        self.failed = 0
        self.note = ""
        self._before = done
        self._first: float | None = None

    def advance(self, failed: bool, note: str) -> None:
        self.note = note
        self.done += 1
        self.failed += failed
        if self._first is None:
            self._first = time.monotonic()

    def text(self) -> str:
        """ "3.4/s, 12 s left": from the second item on."""
        parts = [self.note] if self.note else []
        parts += [f"{self.failed} failed"] if self.failed else []
        rate = self._rate()
        if rate:
            parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each")
            if self.done < self.total:
                parts.append(f"{duration((self.total - self.done) / rate)} left")
        return ", ".join(parts)

    def _rate(self) -> float | None:
        elapsed = time.monotonic() - self._first if self._first is not None else 0.0
        timed = self.done - self._before - 1
        return timed / elapsed if timed > 0 and elapsed >= MIN_PACE_S else None


def duration(seconds: float) -> str:
    """75 -> "1 min 15 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


class _Bar:
    """A live bar; gone when done, so that the terminal keeps the results alone."""

    def __init__(self, console: Console, pace: _Pace, label: str) -> None:
        self._pace = pace
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(),
            TextColumn("[dim]{task.fields[pace]}"), console=console, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task(label, total=pace.total, completed=pace.done, pace="starting")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def advance(self, *, failed: bool, note: str = "") -> None:
        self._pace.advance(failed, note)
        self._progress.update(self._task, advance=1, pace=self._pace.text())


class _Lines:
    """A line at most every ten seconds."""

    def __init__(self, console: Console, pace: _Pace, label: str) -> None:
        self._console = console
        self._label = label
        self._pace = pace
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def advance(self, *, failed: bool, note: str = "") -> None:
        self._pace.advance(failed, note)
        now = time.monotonic()
        if now - self._last >= PLAIN_INTERVAL_S and self._pace.done < self._pace.total:
            self._last = now
            self._console.print(
                f"{self._label} {self._pace.done}/{self._pace.total}  {self._pace.text()}", soft_wrap=True
            )
