"""`croze bench`: how fast scores come, against a plain transcription and against the machine."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import IO, Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from app.cli.bench_report import finished_line, show_document
from app.cli.errors import INTERRUPTED, CommandError, UsageError
from app.cli.terminal import stderr, stdout
from proxy.bench.rows import ROWS
from proxy.errors import allowed_names, shown
from proxy.json_types import JsonObject
from workers.engine import ONE_THREAD
from workers.tether import tethered

EXAMPLES: Final = """
Every row is scored on one thread in three ways, in turn: by a plain
transcription of the authors' code in float64 (the yardstick), and as an
engine does it in float64 and in float32. The fastest of several rounds
counts. The machine's peak is its best float32 matrix product in the same run.

Takes about eight minutes, --quick two. For numbers that mean something let
the machine do nothing else. docs/performance.md explains every figure.
"""

#: The longest single measurement, the yardstick's largest network, takes half a minute. `import torch` may take longer.
SILENCE_S: Final = 600.0
_STOP_S: Final = 10.0
_LAST_LINES: Final = 10


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, and fewer random cells.")] = False,
    row: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"{', '.join(ROWS)}; may be repeated. Default: all.")
    ] = None,
    channels: Annotated[
        int | None, typer.Option(min=2, max=256, help="Width of every network, instead of the row's own.")
    ] = None,
) -> None:
    """Measure how fast this machine scores, as ratios to a plain transcription and to its matrix product."""
    rows = known_rows(row or [*ROWS])
    command = [sys.executable, "-P", "-m", "proxy.bench", *(["--quick"] if quick else [])]
    command += [*([f"--channels={channels}"] if channels is not None else []), *rows]
    try:
        document = measured(command, bar=stderr().is_terminal)
    except KeyboardInterrupt:
        stderr().print("interrupted; nothing is left running")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")
    else:
        show_document(stdout(), document)


def known_rows(names: Sequence[str]) -> list[str]:
    """The names in the order of the table, each once."""
    for name in names:
        if name not in ROWS:
            raise UsageError(f"row {shown(name)} does not exist; {allowed_names(name, ROWS)}")
    return [name for name in ROWS if name in names]


def measured(command: Sequence[str], *, bar: bool) -> JsonObject:
    """Run the measuring process, show how far it is, and return its document.

    Raises:
        CommandError: it ended without one, or is silent for too long.
    """
    console = stderr()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True)
    with _events(command) as events, progress if bar else nullcontext():
        task = progress.add_task("starting", total=None)
        for event in events:
            if event["type"] == "progress":
                progress.update(task, description=event["what"], completed=event["done"], total=event["total"])
            elif event["type"] == "row":
                console.print(finished_line(event["row"]), style="dim", markup=False, soft_wrap=True)
            else:
                document: JsonObject = event["document"]
                return document
    raise CommandError("the measuring process ended without a result")


@contextmanager
def _events(command: Sequence[str]) -> Iterator[Iterator[dict[str, Any]]]:
    """What the process writes, line by line. It is ended at the end, and dies with this process."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            tethered(command, signal_number=signal.SIGKILL),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # Ctrl-C is for us, who end it
        )  # fmt: skip
        lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        reader = threading.Thread(target=_pass_on, args=(process.stdout, lines), name="bench-output", daemon=True)
        reader.start()
        try:
            yield _parsed(lines, process, log)
        finally:
            process.terminate()  # nothing of ours catches it, and a guard hands it on
            process.wait(_STOP_S)
            reader.join(_STOP_S)


def _pass_on(output: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    """Every line; an empty one at the end."""
    with output:
        for line in output:
            lines.put(line)
    lines.put(b"")


def _parsed(
    lines: queue.SimpleQueue[bytes], process: subprocess.Popen[bytes], log: IO[bytes]
) -> Iterator[dict[str, Any]]:
    while True:
        try:
            line = lines.get(timeout=SILENCE_S)
        except queue.Empty:
            raise CommandError(f"the measuring process was silent for {SILENCE_S:.0f} s and was ended") from None
        if not line:
            code = process.wait(_STOP_S)
            log.seek(0)
            last_words = log.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
            raise CommandError(
                f"the measuring process ended with exit code {code}",
                [*last_words, "`croze doctor` shows what is missing"],
            )
        yield json.loads(line)
