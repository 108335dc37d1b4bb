"""Tethered children end with their parent, however it ends, and are otherwise as if spawned directly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.workers.processes import is_alive, is_gone_within, kill, python, read_line
from workers.tether import tethered

# The parent spawns a tethered child, prints both pids, and waits to be killed.
PARENT = """
import subprocess, sys, threading
from workers.tether import tethered

def spawn():
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    child = subprocess.Popen(tethered([sys.executable, "-c", code]), stdout=subprocess.PIPE, text=True)
    print(child.pid, child.stdout.readline().strip(), flush=True)

if sys.argv[1] == "main":
    spawn()
else:  # the thread ends at once
    thread = threading.Thread(target=spawn)
    thread.start()
    thread.join()
sys.stdin.read()
"""


@pytest.mark.parametrize("thread", ["main", "other"])
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_with_its_parent(thread: str, signal_number: signal.Signals) -> None:
    with python(PARENT, thread) as parent:
        spawned, child = map(int, read_line(parent).split())
        try:
            assert is_alive(child)
            os.kill(parent.pid, signal_number)
            assert is_gone_within(child, 30)
            assert is_gone_within(spawned, 30)
        finally:
            kill(child)


def test_the_child_outlives_a_thread_that_spawned_it() -> None:
    with python(PARENT, "other") as parent:
        _, child = map(int, read_line(parent).split())
        try:
            assert not is_gone_within(child, 1)
        finally:
            kill(child)


@pytest.mark.skipif(sys.platform != "linux", reason="the launcher is for Linux")
def test_on_linux_no_process_stays_in_between() -> None:
    with python(PARENT, "main") as parent:
        spawned, child = map(int, read_line(parent).split())
        kill(child)
        assert spawned == child


@pytest.mark.parametrize("thread", ["main", "other"])
def test_exit_code_arguments_and_inherited_pipes_pass_through(thread: str) -> None:
    source, sink = os.pipe()
    code = "import os, sys; os.write(int(sys.argv[1]), sys.argv[2].encode()); sys.exit(7)"
    command: list[str] = []

    def wrap() -> None:
        command[:] = tethered([sys.executable, "-c", code, str(sink), "a 'b' ü"])

    if thread == "main":
        wrap()
    else:
        other = threading.Thread(target=wrap)
        other.start()
        other.join()
    try:
        assert subprocess.run(command, pass_fds=(sink,), check=False, timeout=20).returncode == 7
        assert os.read(source, 100).decode() == "a 'b' ü"
    finally:
        os.close(source)
        os.close(sink)


def test_broken_pipes_end_the_child_as_they_would_without_a_tether() -> None:
    shell = "trap 'echo trapped' PIPE; kill -PIPE $$"  # a shell cannot trap what it inherited as ignored
    done = subprocess.run(tethered(["/bin/sh", "-c", shell]), capture_output=True, check=False, timeout=20)
    assert done.stdout == b"trapped\n"


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    done = subprocess.run(tethered([missing]), capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 127
    assert f"cannot start {missing}" in done.stderr


def test_a_child_whose_parent_is_gone_already_does_not_start(tmp_path: Path) -> None:
    command = tethered(["/bin/sh", "-c", f"echo started > {tmp_path}/mark"])
    in_between = [sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"]
    subprocess.run([*in_between, *command], check=False, timeout=20)  # its parent is not the one it was told
    assert not (tmp_path / "mark").exists()
