"""`croze doctor`: what this machine has, and how to repair what is missing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import typer
from rich.table import Table
from rich.text import Text

from app.cli import data_folder
from app.cli.local_scoring import usable_cores
from app.cli.local_service import redis_url_from_environment
from app.cli.terminal import count, stdout
from app.settings import GIB, Settings
from proxy.data import DEFAULT_BATCH, list_batches, load_batch
from proxy.errors import ProxyError
from workers import known_answer
from workers.embedded_redis import find_server
from workers.engine import Engine
from workers.errors import EngineFailure, NoRedisServer, StoreError
from workers.settings import connect
from workers.store import Store

Grade: TypeAlias = Literal["ok", "warning", "problem"]

EXAMPLES: Final = """
Exit code: 0 nothing is wrong (warnings may be shown), 1 a problem keeps something from working.
"""

MINIMUM_PYTHON: Final = (3, 11)
#: `import torch` takes 1.3 s warm, and much longer from a cold or networked disk.
_TORCH_TIMEOUT_S: Final = 120.0
#: The append-only file of a busy day; below the second, Redis soon refuses to write.
_LITTLE_DISK, _NO_DISK = 2 * GIB, GIB // 4
_STYLES: Final[dict[Grade, str]] = {"ok": "green", "warning": "yellow", "problem": "bold red"}

#: Run in a process of its own: this one never imports torch.
_ASK_TORCH: Final = """
import json, torch
devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
print(json.dumps({"version": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability(),
                  "cuda": torch.version.cuda, "devices": devices, "threads": torch.get_num_threads()}))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row."""

    subject: str
    grade: Grade
    what: str
    repair: str = ""


def doctor(
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of `croze up`. Default: ~/.local/state/croze.")
    ] = None,
) -> None:
    """Show what this machine has: torch, devices, Redis, batches, disk; and how to repair what is missing."""
    folder = (data_dir or data_folder.default_data_dir()).absolute()
    torch = [*_torch()]
    engine = [] if any(finding.grade == "problem" for finding in torch) else [_engine()]
    findings = [
        _python(),
        *torch,
        *engine,
        _cores(),
        _memory(),
        _redis(),
        *_batches(),
        _data_folder(folder),
        _disk(folder),
    ]
    console = stdout()
    console.print(_table(findings))
    problems = sum(finding.grade == "problem" for finding in findings)
    if problems:
        console.print(f"\n[bold red]{count(problems, 'problem')}[/]")
        raise typer.Exit(1)
    console.print("\n[green]ready to score[/]")


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "part", "this machine", "repair"):
        table.add_column(heading, overflow="fold")
    if not any(finding.repair for finding in findings):
        table.columns[-1].header = ""
    for finding in findings:
        grade = Text(finding.grade, style=_STYLES[finding.grade])
        table.add_row(grade, Text(finding.subject, style="bold"), Text(finding.what), Text(finding.repair))
    return table


def _python() -> Finding:
    what = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < MINIMUM_PYTHON:
        return Finding("python", "problem", what, "use Python 3.11 or newer")
    return Finding("python", "ok", what)


def _torch() -> Iterator[Finding]:
    repair = "pip install 'croze[scoring]'; without torch only `croze score --url` and the API work"
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-c", _ASK_TORCH],
            capture_output=True,
            text=True,
            timeout=_TORCH_TIMEOUT_S,
            check=False,
        )
        facts = json.loads(answer.stdout)
    except subprocess.TimeoutExpired:
        yield Finding(
            "torch", "problem", f"did not import within {_TORCH_TIMEOUT_S:.0f} s", "try again, or reinstall it"
        )
        return
    except ValueError:
        reason = (answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"])[-1]
        yield Finding("torch", "problem", reason, repair)
        return
    yield Finding("torch", "ok", f"{facts['version']}{', CUDA ' + facts['cuda'] if facts['cuda'] else ', CPU build'}")
    yield Finding("devices", "ok", ", ".join(["cpu", *facts["devices"]]))
    yield Finding("cpu", "ok", f"{facts['cpu']}: scores name it, because instruction sets differ in the last digits")


def _engine() -> Finding:
    """Workers make the same test before they take any work."""
    try:
        with Engine() as engine:
            engine.start()
            known_answer.check(engine)
    except EngineFailure as error:
        return Finding("engine", "problem", error.message, "workers take no work here; try another release of torch")
    return Finding("engine", "ok", "gives the known answer in both precisions")


def _cores() -> Finding:
    usable, total = usable_cores(), os.cpu_count() or 1
    note = "" if usable == total else f" of {total}"
    return Finding("cores", "ok", f"{usable}{note}: so many workers, each with one engine of one thread")


def _memory() -> Finding:
    limit = int(Settings().memory_limit)
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return Finding("memory", "warning", "unknown", "")
    what = f"{total / GIB:.1f} GiB; an architecture may need {limit / GIB:.1f} GiB to score"
    if limit > total:
        return Finding("memory", "warning", what, f"set CROZE_MEMORY_LIMIT below {total / GIB:.1f}GiB")
    return Finding("memory", "ok", what)


def _redis() -> Finding:
    url = redis_url_from_environment()
    if url is not None:
        return _server_of_user(url)
    try:
        program = find_server()
    except NoRedisServer as error:
        return Finding("redis", "problem", "none", error.message.partition("; ")[2] or error.message)
    return Finding("redis", "ok", f"{_version_of(program)} ({program})")


def _server_of_user(url: str) -> Finding:
    try:
        with connect(url) as client:
            Store(client).check_writable()
    except (StoreError, ValueError) as error:
        return Finding(
            "redis", "problem", f"REDIS_URL: {error}", "start that server, or unset REDIS_URL to use our own"
        )
    return Finding("redis", "ok", "the server of REDIS_URL answers and can be written to")


def _version_of(program: Path) -> str:
    """E.g. "Valkey server v=9.1.2": the first words of --version."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return program.name
    return " ".join(answer.stdout.split()[:3]) or program.name


def _batches() -> Iterator[Finding]:
    try:
        batch = load_batch(DEFAULT_BATCH)
    except ProxyError as error:
        yield Finding("batch", "problem", error.message, "reinstall croze: its bundled images are missing or damaged")
        return
    yield Finding("batch", "ok", f"{batch.name}, {batch.digest[:19]}...")
    archives = Settings().data_dir
    if archives is None:
        yield Finding(
            "data sets", "ok", "only bundled and synthetic images; CROZE_DATA_DIR can name a folder of archives"
        )
        return
    complete = [info.title for info in list_batches(archives) if info.repair is None]
    what = f"in {archives}: {', '.join(complete) or 'no archive'}"
    missing = [info.repair for info in list_batches(archives) if info.repair is not None]
    yield Finding("data sets", "warning" if missing else "ok", what, "; ".join(missing))


def _data_folder(folder: Path) -> Finding:
    holder = data_folder.holder_of(folder) if os.access(folder, os.R_OK | os.W_OK) else None
    if holder is not None:
        return Finding("data folder", "ok", f"{folder}: `croze up` runs at {holder.url} (process {holder.pid})")
    nearest = _nearest_existing(folder)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(
            "data folder", "problem", f"{folder}: {nearest} cannot be written to", "name another with --data-dir"
        )
    return Finding("data folder", "ok", str(folder) if nearest == folder else f"{folder} (will be made)")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(_nearest_existing(folder)).free
    grade: Grade = "problem" if free < _NO_DISK else "warning" if free < _LITTLE_DISK else "ok"
    repair = "" if grade == "ok" else "free some, or name a folder elsewhere with --data-dir"
    return Finding("disk", grade, f"{free / GIB:.1f} GiB free for the data folder", repair)


def _nearest_existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
