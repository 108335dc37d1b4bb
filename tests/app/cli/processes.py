"""`croze up` as a process of its own, and everything it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.cli.data_folder import holder_of
from tests.workers.processes import is_alive, kill, wait_until

CROZE = (sys.executable, "-P", "-m", "app.cli.main")
#: Three imports of torch on a busy machine.
START_S = 120.0


@dataclass(frozen=True, slots=True)
class Up:
    """A running `croze up`."""

    process: subprocess.Popen[bytes]
    folder: Path
    output: Path

    def text(self) -> str:
        """What it printed so far."""
        return self.output.read_text("utf-8")

    @property
    def url(self) -> str:
        holder = holder_of(self.folder)
        assert holder is not None, self.text()
        assert holder.url is not None
        return holder.url

    def children(self, command: str) -> set[int]:
        """Pids of its descendants whose command line has that word."""
        return {pid for pid, line in descendants(self.process.pid).items() if command in line}

    def replaced(self, command: str, killed: int, count: int) -> bool:
        """Whether there are `count` of that command again, without the one that was killed."""
        pids = self.children(command)
        return killed not in pids and len(pids) == count


@contextmanager
def croze_up(folder: Path, *, workers: int = 1, redis_url: str | None = None) -> Iterator[Up]:
    """Starts `croze up` on a free port, and waits until it says that it is ready."""
    folder.mkdir(exist_ok=True)
    output = folder / "output.txt"
    command = [*CROZE, "up", "--port", "0", "--workers", str(workers), "--data-dir", str(folder / "state")]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("REDIS_URL")}
    if redis_url is not None:
        environment["REDIS_URL"] = redis_url
    with (
        output.open("wb") as stream,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment) as process,
    ):
        up = Up(process, folder / "state", output)
        try:
            ready = wait_until(lambda: "CRoZe is up" in up.text() or process.poll() is not None, START_S)
            assert ready, up.text()
            assert process.poll() is None, up.text()
            yield up
        finally:
            started = [*descendants(process.pid), process.pid]
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not any(map(is_alive, started)), 30)
            for pid in started:
                kill(pid)


def descendants(pid: int) -> dict[int, str]:
    """Pid -> command line of everything that `pid` started, and what those started."""
    rows = list(_from_proc() if Path("/proc/self/stat").exists() else _from_ps())
    found = {pid}
    while grown := {child for child, parent, _ in rows if parent in found} - found:
        found |= grown
    return {child: line for child, _, line in rows if child in found - {pid}}


def _from_proc() -> Iterator[tuple[int, int, str]]:
    """(pid, parent, command line) of every process: slim machines have no ps."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            yield int(folder.name), parent, (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def _from_ps() -> Iterator[tuple[int, int, str]]:
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="],  # noqa: S607
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for row in listing.stdout.splitlines():
        pid, parent, line = row.split(None, 2)
        yield int(pid), int(parent), line
