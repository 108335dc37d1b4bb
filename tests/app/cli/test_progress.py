from __future__ import annotations

import io

import pytest
from rich.console import Console

from app.cli.progress import duration, report_progress


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (75, "1 min 15 s"), (3599.6, "1 h 00 min"), (7380, "2 h 03 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_plain_lines_come_now_and_then_with_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("app.cli.progress.time.monotonic", lambda: clock[0])
    out = io.StringIO()
    with report_progress(Console(file=out, width=80), 10) as progress:
        for number in range(10):
            progress.advance(failed=number == 3)
            clock[0] += 4.0
    assert out.getvalue().splitlines() == [
        "scoring 4/10  1 failed, 4.0 s each, 24 s left",
        "scoring 7/10  1 failed, 4.0 s each, 12 s left",
    ]


def test_what_was_done_before_counts_for_the_way_and_not_for_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("app.cli.progress.time.monotonic", lambda: clock[0])
    out = io.StringIO()
    with report_progress(Console(file=out, width=80), 1000, done=900) as progress:
        for _ in range(4):
            progress.advance(failed=False)
            clock[0] += 4.0
    assert out.getvalue().splitlines() == ["scoring 904/1000  4.0 s each, 6 min 24 s left"]


def test_a_bar_is_drawn_on_a_terminal_only() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with report_progress(console, 2) as progress:
        progress.advance(failed=False)
        progress.advance(failed=False)
    assert "2/2" in out.getvalue()
