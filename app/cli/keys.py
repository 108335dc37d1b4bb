"""`croze keys`: who may use a service that is reached from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, get_args

import typer
from rich.table import Table
from rich.text import Text

from app.cli import data_folder
from app.cli.errors import CommandError, UsageError
from app.cli.local_service import redis_url_from_environment
from app.cli.terminal import count, stderr, stdout
from proxy.errors import shown
from workers.embedded_redis import EmbeddedRedis
from workers.errors import DataFolderInUse, RedisServerError, StoreError
from workers.records import ApiKey, Role
from workers.settings import connect
from workers.store import Store

EXAMPLES: Final = """
Examples:

  croze keys add alice

  export CROZE_API_KEY="$(croze keys add ci --role user)"

  croze keys list

  croze keys revoke 0c1d2e3f4a5b

To replace a key, add another of the same name, hand it out, and revoke the old one: jobs belong to the name. No
restart is needed. Keys are kept in the Redis server of REDIS_URL, else in that of `croze up`.
"""

ROLES: Final[tuple[Role, ...]] = get_args(Role)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

DataDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The folder of `croze up`. Default: ~/.local/state/croze.")
]

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True, epilog=EXAMPLES)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is; several keys may have one name.")],
    role: Annotated[
        str,
        typer.Option(metavar="ROLE", help="user: own jobs; read: reads them only; admin: everybody's jobs."),
    ] = "user",
    data_dir: DataDir = None,
) -> None:
    """Make a key. Its token is printed once, alone on standard output, and cannot be read again."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{shown(name)} is no name for a key; allowed: 1 to 64 letters, digits, and . _ @ - after the first"
        )
    chosen: Role | None = next((each for each in ROLES if each == role), None)
    if chosen is None:
        raise UsageError(f"{shown(role)} is no role; allowed: {', '.join(ROLES)}")
    with _store(data_dir) as store:
        first = not store.api_keys.exist()
        key, token = store.api_keys.add(name, chosen)
    stdout().print(token, markup=False, soft_wrap=True)
    console = stderr()
    console.print(f"key {key.id} for {name}, role {chosen}. This token is not shown again: keep it as a secret.")
    console.print("Clients send it as `Authorization: Bearer <token>`; croze commands take it from CROZE_API_KEY.")
    if first:
        console.print("This is the first key: from now on the service lets nobody in without one.", style="yellow")


@app.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """Show all keys, revoked ones included. Tokens are not kept, so they cannot be shown."""
    with _store(data_dir) as store:
        keys = store.api_keys.listed()
    if not keys:
        stderr().print("there is no key: the service is open, to this machine only; `croze keys add NAME` makes one")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "name", "role", "made", "revoked"):
        table.add_column(heading, no_wrap=True)
    for key in keys:
        cells = (key.id, key.name, key.role, _moment(key.created_at), _moment(key.revoked_at))
        table.add_row(*map(Text, cells), style="" if key.revoked_at is None else "dim")
    stdout().print(table)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="As `croze keys list` shows it; or a name with one key.")],
    data_dir: DataDir = None,
) -> None:
    """Let a key in no more, from its next request on. Its name's jobs stay."""
    with _store(data_dir) as store:
        keys = store.api_keys.listed()
        chosen = _one_of(keys, key)
        store.api_keys.revoke(chosen.id)
        left = sum(each.revoked_at is None for each in keys) - 1
    console = stderr()
    console.print(f"key {chosen.id} of {chosen.name} is revoked; {count(left, 'key')} left")
    if not left:
        console.print("No key is left: the service lets nobody in until another is made.", style="yellow")


def _one_of(keys: list[ApiKey], wanted: str) -> ApiKey:
    valid = [key for key in keys if key.revoked_at is None]
    found = [key for key in valid if wanted in (key.id, key.name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(key.id for key in found)
        raise UsageError(f"{shown(wanted)} has {len(found)} keys: {ids}; name one of these ids")
    known = ", ".join(f"{key.id} ({key.name})" for key in valid)
    raise UsageError(f"there is no key {shown(wanted)}; valid keys: {known or 'none'}")


@contextmanager
def _store(data_dir: Path | None) -> Iterator[Store]:
    """The store of the service, which need not run.

    Raises:
        CommandError: it cannot be had, or did not do what it was asked.
    """
    folder = (data_dir or data_folder.default_data_dir()).absolute()
    with ExitStack() as stack:
        try:
            url = redis_url_from_environment() or _own_server(folder, stack)
            yield Store(stack.enter_context(connect(url)))
        except (StoreError, RedisServerError, ValueError) as error:
            raise CommandError(f"cannot get at the service's Redis server: {error}") from error


def _own_server(folder: Path, stack: ExitStack) -> str:
    """The URL of the running embedded server, or of one that runs as long as `stack` lasts."""
    try:
        return stack.enter_context(EmbeddedRedis(folder / "redis")).url
    except DataFolderInUse as error:
        if error.url is None:  # it is just about to start
            raise
        return error.url


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
