"""`croze demo`: the service at work on real architectures, in about a minute."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import typer
from rich.console import Console

from app.cli import data_folder
from app.cli.demo_report import DemoSpace, load_demo, show_answer, show_correlations, show_space
from app.cli.errors import INTERRUPTED, CommandError
from app.cli.progress import duration, report_progress
from app.cli.remote_scoring import RemoteScoring
from app.cli.supervisor import log_tail
from app.cli.terminal import stderr, stdout
from proxy.json_types import JsonObject
from workers.embedded_redis import find_server
from workers.errors import NoRedisServer
from workers.tether import tethered

EXAMPLES: Final = """
Needs nothing: a Redis server, the API and the workers are started in a temporary folder on a free port, and everything
is gone afterwards.
"""

START_TIMEOUT_S: Final = 120.0
#: More than `croze up` takes to drain.
STOP_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.1


def demo() -> None:
    """Start everything, score 24 NAS-Bench-201 cells and six DARTS genotypes, rank them, and stop."""
    console = stdout()
    spaces = load_demo()
    started = time.monotonic()
    total = " and ".join(f"{len(space.architectures)} {space.title} architectures" for space in spaces)
    console.print(f"[bold]CRoZe demo[/]: {total}, scored over HTTP on this machine\n")
    try:
        with tempfile.TemporaryDirectory(prefix="croze-demo-") as folder, _service(Path(folder), console) as url:
            scored = [(space, _score(space, url, console)) for space in spaces]
        _show(console, scored, time.monotonic() - started)
    except KeyboardInterrupt:
        stderr().print("interrupted; nothing is left running")
        raise typer.Exit(INTERRUPTED) from None
    failed = [item for _, items in scored for item in items if item["status"] != "scored"]
    if failed:
        raise CommandError(f"{len(failed)} architectures have no score", [str(item["error"]) for item in failed])


def _score(space: DemoSpace, url: str, console: Console) -> list[JsonObject]:
    """The space's items, as they finished."""
    request = space.request()
    started = time.monotonic()
    items: list[JsonObject] = []
    with report_progress(stderr(), len(request.entries), label=space.title) as progress:
        for item in RemoteScoring(request, url, key="").items():
            progress.advance(failed=item["status"] != "scored")
            items.append(item)
    done = sum(item["status"] == "scored" for item in items)
    console.print(f"[green]{done} of {len(items)} scored[/] in {duration(time.monotonic() - started)}: {space.title}")
    return items


def _show(console: Console, scored: list[tuple[DemoSpace, list[JsonObject]]], seconds: float) -> None:
    console.print()
    for space, items in scored:
        show_space(console, space, items)
    show_correlations(console, scored)
    show_answer(console, *scored[0])
    console.print(f"\n[green]done[/] in {duration(seconds)}; nothing is left running. Next: [bold]croze up[/]")


@contextmanager
def _service(folder: Path, console: Console) -> Iterator[str]:
    """A `croze up` of its own, by URL."""
    log = folder / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            tethered([sys.executable, "-P", "-m", "app.cli.main", "up", "--port", "0", "--data-dir", str(folder)]),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=_environment(), start_new_session=True,
        )  # fmt: skip
    try:
        started = time.monotonic()
        url = _wait_until_ready(process, folder, log)
        console.print(f"[green]up[/] at {url} in {duration(time.monotonic() - started)}: Redis, API and workers")
        yield url
    finally:
        _stop(process)


def _environment() -> dict[str, str]:
    """Ours, without what is set for another service. A demo writes to nobody's Redis, unless there is no other."""
    kept = {"CROZE_DATA_DIR"}
    try:
        find_server()
    except NoRedisServer:
        kept |= {"REDIS_URL", "CROZE_REDIS_URL"}
    settings = {name for name in os.environ if name == "REDIS_URL" or name.startswith("CROZE_")}
    return {name: value for name, value in os.environ.items() if name in kept or name not in settings}


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path, log: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CommandError("the service ended while it was starting", log_tail(log))
        holder = data_folder.holder_of(folder)
        if holder is not None and holder.url and _is_ready(holder.url):
            return holder.url
        time.sleep(_POLL_S)
    raise CommandError(f"the service was not ready within {START_TIMEOUT_S:.0f} s", _all_tails(folder, log))


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2.0, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _all_tails(folder: Path, log: Path) -> list[str]:
    return [f"{path.name}: {line}" for path in (log, *sorted(folder.glob("logs/*.log"))) for line in log_tail(path, 5)]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
