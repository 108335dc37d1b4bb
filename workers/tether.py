"""Child processes that end when their parent ends, even when it is killed by SIGKILL.

`tethered(command)` wraps a command; whoever calls it must also be the process that spawns it. Two ways:

- **Launcher** (on Linux, from the main thread): this file, run as a script, asks the kernel for a signal at
  its parent's death (`prctl(2)`, PR_SET_PDEATHSIG) and then becomes the command by `execvp`. No extra process
  stays, and the child's pid is the pid that was spawned.
- **Guard** (elsewhere): this file stays between parent and child and looks four times a second whether its
  parent still is its parent. The spawned pid is the guard's; SIGTERM, SIGINT and SIGHUP are handed on.
  SIGKILL cannot be: kill the child first.

The kernel sends the signal when the *thread* that spawned the child ends, not the process. The main thread
ends with its process. Any other may end early and would take the child with it, so those get a guard.

Run as a script this file needs the standard library alone, and starts fast without `site`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

#: How long a guard takes at most to notice that its parent is gone.
GUARD_INTERVAL_S = 0.25
#: How long a guard lets the child end by itself after the signal before it kills it.
GUARD_GRACE_S = 10.0


def tethered(command: Sequence[str], *, signal_number: int = signal.SIGTERM) -> list[str]:
    """`command`, wrapped so that it is sent `signal_number` when this process ends, however it ends.

    Spawn it with `subprocess.Popen` from this process and this thread. `signal_number` is SIGTERM for a child
    that should tidy up and SIGKILL for one that must not linger.
    """
    use_launcher = sys.platform == "linux" and threading.current_thread() is threading.main_thread()
    return [
        sys.executable, "-I", "-S", __file__,
        "launcher" if use_launcher else "guard", str(os.getpid()), str(int(signal_number)), *command,
    ]  # fmt: skip


def _launch(parent: int, signal_number: int, command: list[str]) -> None:
    """Tie this process to `parent` and become `command`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG) failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it ended before prctl: no signal will come
        sys.exit(1)
    # Python ignores these two, and what is ignored stays ignored across exec.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        sys.exit(127)  # as a shell does


def _guard(parent: int, signal_number: int, command: list[str]) -> int:
    """Run `command`, end it when `parent` is gone, and return its exit code as a shell would."""
    try:
        # Inherited descriptors are passed on: the parent chose them for the child.
        child = subprocess.Popen(command, close_fds=False)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    while child.poll() is None:
        if os.getppid() != parent:
            _end(child, signal_number)
            break
        time.sleep(GUARD_INTERVAL_S)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _end(child: subprocess.Popen[bytes], signal_number: int) -> None:
    child.send_signal(signal_number)
    try:
        child.wait(GUARD_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()


def _main(arguments: Sequence[str]) -> int:
    mode, parent, signal_number, *command = arguments
    if mode == "launcher":
        _launch(int(parent), int(signal_number), command)
    return _guard(int(parent), int(signal_number), command)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
