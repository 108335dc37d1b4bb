"""`croze up`: the whole service on this machine, until Ctrl-C."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from app.cli import data_folder
from app.cli.local_scoring import usable_cores
from app.cli.local_service import HOST, LocalService, listening, url_of
from app.cli.supervisor import Death, log_tail
from app.cli.terminal import count, stderr, stdout

DEFAULT_PORT: Final = 8000
MAX_WORKERS: Final = 256
#: A child that dies so often in a row is shown with the end of its log; after that only now and then.
TELLING_DEATHS: Final = 3
TELLING_EVERY: Final = 30

EXAMPLES: Final = """
Examples:

  croze up

  croze up --port 9000 --workers 4 --data-dir ./state

  REDIS_URL=redis://:secret@db:6379/0 croze up

  croze keys add alice && CROZE_ALLOWED_HOSTS=scores.example.org croze up --host 0.0.0.0

Starts a Redis server of its own unless REDIS_URL (or CROZE_REDIS_URL) names one. What dies is started again.
Ctrl-C lets workers finish or hand back what they have in hand; a second Ctrl-C does not wait.
"""

_EXAMPLE_CELL: Final = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|"


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the API; 0 takes any free one.")] = DEFAULT_PORT,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Of the API. Another than the default needs keys: `croze keys`.")
    ] = HOST,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where Redis data and logs are kept. Default: ~/.local/state/croze."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=MAX_WORKERS, help="Worker processes. Default: one per core.")
    ] = None,
) -> None:
    """Run the whole service here: Redis, API and one worker per core."""
    folder = (data_dir or data_folder.default_data_dir()).absolute()
    console = stdout()
    data_folder.refuse_held(folder)  # says more than that the port is in use, which then is so too
    with (
        listening(port, host) as server,
        data_folder.held(folder, url_of(server)),
        _stop_signals() as (stop, hurry),
    ):
        service = LocalService(folder, server, workers or usable_cores(), _Deaths(console).report)
        console.print(
            f"starting {count(service.workers, 'worker')}, the API and {_redis_name(service)} ...", style="dim"
        )
        service.start()
        try:
            threading.Thread(target=_announce, args=(service, console, stop), daemon=True).start()
            service.supervisor.run(stop)
            console.print("stopping: work in hand is finished or handed back ...", style="dim")
        finally:
            server.close()  # nobody connects to a service that is going
            service.supervisor.stop(hurry)
        console.print("stopped")


def _redis_name(service: LocalService) -> str:
    return "a Redis server" if service.embedded else "your Redis server"


def _announce(service: LocalService, console: Console, stop: threading.Event) -> None:
    """Wait until requests will be answered, and say so. Runs beside the supervisor."""
    missing = service.wait_until_ready(stop.is_set)
    if stop.is_set():
        return
    if missing:
        stderr().print(f"[bold yellow]not ready yet:[/] {escape(missing)}; logs are in {service.data_dir / 'logs'}")
        return
    body = json.dumps({"space": "nasbench201", "architectures": [_EXAMPLE_CELL]})
    console.print(f"\n[bold green]CRoZe is up:[/] [bold]{service.url}[/]   {count(service.workers, 'worker')}\n")
    console.print("Post an architecture, and wait for its score:\n")
    key = ' -H "Authorization: Bearer $CROZE_API_KEY"' if service.needs_key() else ""
    for line in (
        f"  curl -s {service.url}/v1/jobs{key} -H 'Content-Type: application/json' \\",
        f"    -d '{body}'",
        f"  curl -s '{service.url}/v1/jobs/JOB_ID/scores'{key}",
    ):
        console.print(line, soft_wrap=True, markup=False)
    console.print(
        f"\n[dim]API reference {service.url}/docs\nlogs          {service.data_dir / 'logs'}[/]", soft_wrap=True
    )
    console.print("[dim]Ctrl-C stops everything[/]")


class _Deaths:
    """Says that something died; at length if it keeps dying."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def report(self, death: Death) -> None:
        name = death.child.name
        if death.deaths_in_a_row > TELLING_DEATHS and death.deaths_in_a_row % TELLING_EVERY:
            return
        self._console.print(
            f"[yellow]{name} died[/] ({escape(death.ending)}); starting it again in {death.restart_in_s:.1f} s",
            soft_wrap=True,
        )
        if death.deaths_in_a_row >= TELLING_DEATHS:
            self._console.print(
                f"{name} has died {death.deaths_in_a_row} times in a row; the end of {death.child.log}:",
                style="bold yellow", markup=False, soft_wrap=True,
            )  # fmt: skip
            for line in log_tail(death.child.log):
                self._console.print(f"  {line}", markup=False, style="dim", soft_wrap=True)


@contextmanager
def _stop_signals() -> Iterator[tuple[threading.Event, threading.Event]]:
    """(stop, hurry): set by the first and the second of Ctrl-C, SIGTERM or a closed terminal."""
    stop, hurry = threading.Event(), threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        (hurry if stop.is_set() else stop).set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop, hurry
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
