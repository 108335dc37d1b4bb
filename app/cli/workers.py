"""`croze workers`: who is at work, and how they are."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from app.cli.errors import CommandError
from app.cli.service_client import KEY_HINT, connected, json_of
from app.cli.terminal import stderr, stdout
from app.cli.up import DEFAULT_PORT

_MIB: Final = 2**20
_HEADINGS: Final = ("worker", "state", "job", "scored", "device", "engine", "memory", "restarts", "last beat")

EXAMPLES: Final = """
Examples:

  croze workers

  croze workers --url http://gpu-box:8000 --json
"""


def workers(
    url: Annotated[str, typer.Option(metavar="URL", help="Of the service.")] = f"http://127.0.0.1:{DEFAULT_PORT}",
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, with all that is known.")] = False,
) -> None:
    """Show the workers that are alive. One that stops is forgotten within 10 seconds."""
    answer = _fetch(url.rstrip("/"))
    found: list[dict[str, Any]] = answer["items"]
    if found and answer["unserved_items"]:
        stderr().print(f"{answer['unserved_items']:,} items wait for a worker of another release", soft_wrap=True)
    if as_json:
        for worker in found:
            stdout().print(json.dumps(worker), markup=False, soft_wrap=True)
        return
    if not found:
        stderr().print(f"no worker is alive at {url}: jobs wait until one is", soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, no_wrap=True)
    for worker in found:
        table.add_row(*map(Text, _cells(worker)))
    stdout().print(table)


def _fetch(url: str) -> dict[str, Any]:
    with connected(url) as client:
        answer = client.get("/v1/workers")
        body = json_of(answer)
        if answer.is_success:
            return body
        hints = [KEY_HINT] if answer.status_code in (401, 403) else []
        raise CommandError(
            f"{url} does not tell: {body.get('detail') or f'{answer.status_code} {answer.reason_phrase}'}", hints
        )


def _cells(worker: dict[str, Any]) -> tuple[str, ...]:
    """One worker as `_HEADINGS` name it; a dash for what is not there."""
    engine, environment = worker["engine"], worker["environment"] or {}
    memory = engine["memory_bytes"]
    return (
        worker["id"],
        worker["state"],
        worker["job"] or "-",
        str(worker["scored"]),
        environment.get("device", "-"),
        str(engine["pid"] or "-"),
        "-" if memory is None else f"{memory / _MIB:.0f} MiB",
        str(engine["restarts"]),
        f"{worker['last_beat_age']:.1f} s ago",
    )
