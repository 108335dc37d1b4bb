from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cli import supervisor
from app.cli.supervisor import MAX_BACK_OFF_S, Death, ProcessChild, Supervisor, log_tail
from tests.workers.processes import wait_until

SLEEP = "import time; time.sleep(600)"
TALK = "import time\nfor n in range(60_000): print('line', n, flush=True); time.sleep(0.01)"
#: Says so once it can no longer be ended by SIGTERM.
STUBBORN = (
    "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "pathlib.Path(sys.argv[1]).write_text('x'); time.sleep(600)"
)


def child(name: str, folder: Path, code: str, *arguments: str) -> ProcessChild:
    command = [sys.executable, "-I", "-S", "-c", code, *arguments]
    return ProcessChild(name, command, lambda: os.environ, folder / f"{name}.log")


@contextmanager
def supervised(*stages: list[ProcessChild]) -> Iterator[tuple[list[Death], Supervisor]]:
    deaths: list[Death] = []
    keeper = Supervisor(stages, deaths.append)
    stop = threading.Event()

    def keep() -> None:  # everything is spawned by the thread that lives longest
        keeper.start()
        keeper.run(stop)
        keeper.stop(threading.Event())

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        assert wait_until(lambda: all(each.ending() is None for stage in stages for each in stage), 10)
        yield deaths, keeper
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    sleeper, other = child("sleeper", tmp_path, SLEEP), child("other", tmp_path, SLEEP)
    with supervised([sleeper, other]) as (deaths, _):
        assert sleeper._process is not None
        first = sleeper._process.pid
        os.kill(first, signal.SIGKILL)
        assert wait_until(lambda: len(deaths) == 1 and sleeper.ending() is None, 10)
        assert sleeper._process.pid != first
    assert deaths[0].child.name == "sleeper"
    assert deaths[0].ending in ("killed by SIGKILL", "exit code 137")
    assert sleeper.ending() is not None
    assert other.ending() is not None


def test_the_back_off_grows_and_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACK_OFF_S", 0.5)
    monkeypatch.setattr(supervisor, "TICK_S", 0.01)
    broken = child("broken", tmp_path, "import sys; sys.exit('no luck')")
    deaths: list[Death] = []
    keeper = Supervisor([[broken]], deaths.append)
    stop = threading.Event()

    def keep() -> None:
        keeper.start()
        keeper.run(stop)

    thread = threading.Thread(target=keep)
    thread.start()
    assert wait_until(lambda: len(deaths) >= 4, 30)
    stop.set()
    thread.join(10)
    keeper.stop(threading.Event())
    assert [death.restart_in_s for death in deaths[:4]] == [0.5, 1.0, 2.0, MAX_BACK_OFF_S]
    assert [death.deaths_in_a_row for death in deaths[:4]] == [1, 2, 3, 4]
    assert deaths[0].ending == "exit code 1"
    assert log_tail(broken.log, 1) == ["no luck"]


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "DRAIN_S", 0.3)
    flag = tmp_path / "deaf"
    stubborn = child("stubborn", tmp_path, STUBBORN, str(flag))
    with supervised([stubborn]):
        assert wait_until(flag.exists, 10)
    assert stubborn.ending() is not None


def test_the_last_stage_ends_before_the_first_is_asked(tmp_path: Path) -> None:
    asked: list[str] = []

    class Recorded(ProcessChild):
        def ask_to_end(self) -> None:
            asked.append(self.name)
            assert self.name != "redis" or worker.ending() is not None
            super().ask_to_end()

    base = child("redis", tmp_path, SLEEP)
    redis = Recorded(base.name, base.command, base.environment, base.log)
    worker = Recorded("worker", base.command, base.environment, tmp_path / "worker.log")
    with supervised([redis], [worker]):
        pass
    assert asked == ["worker", "redis"]


def test_a_log_that_grew_long_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "MAX_LOG_BYTES", 3)
    sleeper = child("sleeper", tmp_path, SLEEP)
    sleeper.log.write_text("long")
    sleeper.start()
    sleeper.kill()
    assert sleeper.log.with_suffix(".log.old").read_text() == "long"
    assert log_tail(tmp_path / "missing.log") == []


def test_a_log_that_grows_long_is_put_aside_while_its_child_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MAX_LOG_BYTES", 500)
    talker = child("talker", tmp_path, TALK)
    old = talker.log.with_suffix(".log.old")
    with supervised([talker]) as (deaths, _):
        assert wait_until(old.exists, 60)
        first = old.read_text()
        assert wait_until(lambda: old.read_text() not in ("", first), 60), "and again"
        assert wait_until(lambda: "line" in talker.log.read_text(), 60)
        assert b"\0" not in talker.log.read_bytes()
    assert deaths == []
