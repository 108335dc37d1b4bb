"""Keeps child processes running, for ever, until told to stop; then ends them in order.

All spawning is done by the thread that calls `run`, which should be the main thread: the kernel ties a child's life to
the thread that spawned it (`workers.tether`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, Signals
from threading import Event
from typing import Final, Protocol

from workers.embedded_redis import EmbeddedRedis
from workers.errors import RedisServerError
from workers.tether import tethered

#: Wait before a restart: doubled at each death in a row, from a tenth of a second.
FIRST_BACK_OFF_S: Final = 0.1
MAX_BACK_OFF_S: Final = 2.0
#: A child that lived this long is healthy: its next death counts as the first.
HEALTHY_AFTER_S: Final = 10.0
#: How often the children are looked at.
TICK_S: Final = 0.1
#: For all children of one stage together, from SIGTERM to SIGKILL. A worker hands back or finishes what it has in hand.
DRAIN_S: Final = 15.0
#: A log is put aside once it is this long.
MAX_LOG_BYTES: Final = 16 * 2**20


class Child(Protocol):
    """Something that runs until it dies or is ended."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Path: ...

    def start(self) -> None:
        """Start it. Raises OSError or RedisServerError if that fails."""

    def ending(self) -> str | None:
        """None while it runs; else how it ended."""

    def ask_to_end(self) -> None:
        """Begin to end it, without waiting."""

    def kill(self) -> None:
        """End it now."""


@dataclass(slots=True)
class ProcessChild:
    """A command whose output goes to a log file."""

    name: str
    command: Sequence[str]
    environment: Callable[[], Mapping[str, str]]
    """Asked at each start: the Redis server may have moved."""
    log: Path
    pass_fds: Sequence[int] = ()
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        _put_aside(self.log)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                # SIGKILL: with its parent gone a child cannot do anything that is worth waiting for.
                tethered(self.command, signal_number=SIGKILL),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(self.environment()), pass_fds=self.pass_fds,
                start_new_session=True,  # Ctrl-C on the terminal is for us alone: we end the children in order
            )  # fmt: skip

    def ending(self) -> str | None:
        if self._process is None:
            return "not started"
        code = self._process.poll()
        if code is None:
            return None
        return f"killed by {Signals(-code).name}" if code < 0 else f"exit code {code}"

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@dataclass(slots=True)
class RedisChild:
    """The embedded server, always on the same data folder."""

    server: EmbeddedRedis
    name: str = "redis"

    @property
    def log(self) -> Path:
        return self.server.log_path

    def start(self) -> None:
        self.server.start()

    def ending(self) -> str | None:
        return None if self.server.running else "it ended"

    def ask_to_end(self) -> None:
        self.server.stop()  # bounded by itself; by now nobody uses it

    def kill(self) -> None:
        self.server.stop()


@dataclass(frozen=True, slots=True)
class Death:
    """A child ended, or could not be started, and will be started again."""

    child: Child
    ending: str
    deaths_in_a_row: int
    restart_in_s: float


@dataclass(slots=True)
class _State:
    deaths: int = 0
    started_at: float = 0.0
    start_at: float | None = 0.0
    """When to start it; None while it runs."""


@dataclass(slots=True)
class Supervisor:
    """Runs children in stages: stage by stage up, and the other way round down."""

    stages: Sequence[Sequence[Child]]
    on_death: Callable[[Death], None]
    after_restart: Callable[[Child], None] = lambda _child: None
    _states: dict[str, _State] = field(default_factory=dict)

    def start(self) -> None:
        """Start everything once.

        Raises:
            OSError, RedisServerError: something cannot be started at all; what was started is ended again.
        """
        try:
            for child in self._children():
                child.start()
                self._states[child.name] = _State(started_at=time.monotonic(), start_at=None)
        except BaseException:
            self.stop(Event())
            raise

    def run(self, stop: Event) -> None:
        """Restart what dies until `stop` is set."""
        while not stop.wait(TICK_S):
            for child in self._children():
                self._tend(child, self._states[child.name])

    def stop(self, hurry: Event) -> None:
        """End everything, the last stage first. `hurry` skips the waiting."""
        for stage in reversed(self.stages):
            for child in stage:
                child.ask_to_end()
            deadline = time.monotonic() + DRAIN_S
            while any(child.ending() is None for child in stage):
                if time.monotonic() > deadline or hurry.wait(TICK_S / 4):
                    break
            for child in stage:
                child.kill()

    def restart(self, children: Sequence[Child]) -> None:
        """End these now; `run` starts them again."""
        for child in children:
            child.ask_to_end()

    def _children(self) -> list[Child]:
        return [child for stage in self.stages for child in stage]

    def _tend(self, child: Child, state: _State) -> None:
        now = time.monotonic()
        if state.start_at is None:
            _put_aside(child.log)
            ending = child.ending()
            if ending is not None:
                if now - state.started_at >= HEALTHY_AFTER_S:
                    state.deaths = 0
                self._schedule(child, state, ending)
        elif now >= state.start_at:
            self._start_again(child, state)

    def _start_again(self, child: Child, state: _State) -> None:
        try:
            child.start()
        except (OSError, RedisServerError) as error:
            self._schedule(child, state, str(error))
            return
        state.started_at, state.start_at = time.monotonic(), None
        self.after_restart(child)

    def _schedule(self, child: Child, state: _State, ending: str) -> None:
        back_off = min(MAX_BACK_OFF_S, FIRST_BACK_OFF_S * 2 ** min(state.deaths, 10))
        state.deaths += 1
        state.start_at = time.monotonic() + back_off
        self.on_death(Death(child, ending, state.deaths, back_off))


def _put_aside(log: Path) -> None:
    """Begin a log anew once it is long, keeping one old one. Its writer goes on: it appends, wherever the end is."""
    with suppress(OSError):  # a full disk must not end the service, nor a log that was removed
        if log.stat().st_size > MAX_LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.old"))
            os.truncate(log, 0)


def log_tail(log: Path, lines: int = 10) -> list[str]:
    """The last lines of a log."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 8192))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return []
