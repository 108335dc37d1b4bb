"""A service of one's own, for as long as a block lasts: `with local_server() as client`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, Unpack

from croze_client.client import Client
from croze_client.errors import LocalServerFailed
from croze_client.submission import Options

#: A worker imports torch, from a cold disk and beside others at worst.
START_S: Final = 180.0
#: `croze up` lets workers finish what they have in hand, and kills them after 15 s.
STOP_S: Final = 30.0
_READY: Final = re.compile(r"CRoZe is up:\s+(http://\S+)")
#: Run as a process of its own: ends the service when nobody holds the other end of its standard input any more, so
#: when we end, whatever ends us. If the keeper itself is killed, Linux tells the service. Its argument before the
#: command: seconds for the service to end by itself.
_KEEPER: Final = """
import ctypes, os, select, signal, subprocess, sys
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(True))  # raises nothing: it may come at any line
keeper, libc = os.getpid(), ctypes.CDLL(None)
def tie():  # in the service's process, before it is the service
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    libc.prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != keeper:  # it has ended already: no signal will come
        os._exit(1)
linux = sys.platform == "linux"
service = subprocess.Popen(
    sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=tie if linux else None
)
while not ends and service.poll() is None and not select.select([sys.stdin], [], [], 0.5)[0]:
    pass
service.terminate()
try:
    service.wait(float(sys.argv[1]))
except subprocess.TimeoutExpired:
    service.kill()
    service.wait()
"""


@contextmanager
def local_server(
    *, workers: int | None = None, data_dir: str | os.PathLike[str] | None = None, **defaults: Unpack[Options]
) -> Iterator[Client]:
    """A client of a new service on this machine, which ends with the block, and with this process at the latest.

    It needs the distribution `croze` in this Python environment. For `AsyncClient` give it this client's `url`.

    Args:
        workers: processes that score; None: one per core.
        data_dir: where the service keeps its state, so that a later one knows today's scores; None: nowhere.
        defaults: options for all jobs.

    Raises:
        LocalServerFailed: `croze` is not installed, or does not start.
    """
    entry = _croze()
    with tempfile.TemporaryDirectory(prefix="croze-") as folder:
        output = Path(folder) / "output.txt"
        kept = Path(folder) / "state" if data_dir is None else Path(data_dir)
        # -P: a folder named `app` in the working directory must not shadow the service's.
        program = f"import sys; from {entry.module} import {entry.attr} as main; sys.exit(main())"
        command = [sys.executable, "-P", "-c", program, "up", "--port", "0", "--data-dir", str(kept)]
        if workers is not None:
            command += ["--workers", str(workers)]
        with _running(command, output) as keeper, Client(_url(keeper, output), api_key="", **defaults) as client:
            yield client


def _croze() -> EntryPoint:
    """The command `croze`.

    Raises:
        LocalServerFailed: there is none in this environment.
    """
    found = entry_points(group="console_scripts", name="croze")
    for entry in found:
        return entry
    raise LocalServerFailed(
        f"the service is not installed for {sys.executable}",
        "install the distribution croze with its extras scoring and embedded here, "
        "or start a service elsewhere and use Client(url)",
    )


@contextmanager
def _running(command: list[str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command, kept by a process that ends it when we are gone."""
    # Whatever the caller's environment says of another service is not meant for this one.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("REDIS_URL", "CROZE_REDIS_URL", "CROZE_API_KEY", "CROZE_ACCESS", "CROZE_ALLOWED_HOSTS")
    }
    with output.open("wb") as stream:
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-c", _KEEPER, str(STOP_S), *command],
            stdin=subprocess.PIPE, stdout=stream, stderr=stream, env={**environment, "COLUMNS": "200"},
            start_new_session=True,  # Ctrl-C is for us: it ends in good order when we do
        )  # fmt: skip
    try:
        yield keeper
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.terminate()  # a process that the caller has forked may hold the other end too
        keeper.wait(STOP_S + 15)


def _url(keeper: subprocess.Popen[bytes], output: Path) -> str:
    """Where the service answers, once it does.

    Raises:
        LocalServerFailed: it does not, or it has ended.
    """
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        text = output.read_text("utf-8", "replace")
        if found := _READY.search(text):
            return found[1]
        if "not ready yet" in text or keeper.poll() is not None:
            break
        time.sleep(0.05)
    said = output.read_text("utf-8", "replace").strip()
    raise LocalServerFailed(f"the service did not start: {said[-2000:] or 'it says nothing'}", "see `croze doctor`")
