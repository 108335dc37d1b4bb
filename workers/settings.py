"""What can be set from the environment (prefix CROZE_), and how Redis is connected to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote, urlsplit

import redis
from annotated_types import Gt
from pydantic import AfterValidator, AliasChoices, ByteSize, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers import keys

DEFAULT_REDIS_URL: Final = "redis://127.0.0.1:6379/0"

#: Unreachable is known at once; a command that takes longer than this is as good as lost.
_CONNECT_TIMEOUT_S: Final = 3.0
_COMMAND_TIMEOUT_S: Final = 5.0

#: Twice what the API lets an architecture need by its own estimate (`CROZE_MEMORY_LIMIT`): raise both together.
_ENGINE_MEMORY: Final = 8 * 2**30

#: Engine deaths, or leases that ran out, after which an item is leased alone.
SUSPICIOUS: Final = 2
#: Chance alone does this to no item: after two it is in hand for a moment only, and nothing else with it.
ENGINE_DEATHS: Final = 5
LEASE_EXPIRIES: Final = 10

Seconds = Annotated[float, Gt(0)]


def password_in(file: Path) -> str:
    """The password that a file holds, alone on its one line.

    Raises:
        ValueError: it cannot be read, or holds none.
    """
    try:
        password = file.read_text("utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ValueError(
            f"{file} cannot be read: {reason}; put the password of Redis there, readable to user {os.getuid()}"
        ) from None
    if not password or "\n" in password:
        raise ValueError(f"{file} has to hold the password of Redis, alone on one line")
    return password


def with_password(url: str, file: Path | None) -> str:
    """`url` with the password that `file` holds; just `url` if there is no file.

    Raises:
        ValueError: see `password_in`; or `url` holds a password already.
    """
    if file is None:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url  # `connect` says what is wrong with it
    if parts.password:
        raise ValueError("there is a password in it, and one in CROZE_REDIS_PASSWORD_FILE; leave one of them out")
    user, _, place = parts.netloc.rpartition("@")
    secret = quote(password_in(file), safe="")
    return parts._replace(netloc=f"{user.rstrip(':')}:{secret}@{place}").geturl()


def _readable(file: Path) -> Path:
    password_in(file)
    return file


#: Checked as soon as settings are read; what it holds is in no error and no repr.
PasswordFile = Annotated[Path, AfterValidator(_readable)]


def explained(error: ValidationError) -> str:
    """What is wrong, on one line, in the names that an operator sets. No URL is in it: it may hold a password."""
    faults = []
    for fault in error.errors(include_url=False, include_context=False):
        name = str(fault["loc"][0])
        variable = name if name.isupper() else f"CROZE_{name.upper()}"
        given = "" if "URL" in variable else f"={fault['input']}"
        faults.append(f"{variable}{given}: {fault['msg'].removeprefix('Value error, ')}")
    return "; ".join(faults)


class StoreSettings(BaseSettings):
    """How long records live. The API and the workers should agree: whoever writes a key sets its lifetime."""

    model_config = SettingsConfigDict(env_prefix="CROZE_", frozen=True)

    job_retention: Seconds = keys.RETENTION_S
    """Seconds that a job stays readable after it ended."""
    score_ttl: Seconds = keys.SCORE_TTL_S
    """Seconds that a score is remembered after its last use."""
    batch_ttl: Seconds = keys.BATCH_TTL_S
    """Seconds that a batch is kept after its last use."""


class WorkerSettings(BaseSettings):
    """How a worker process behaves."""

    model_config = SettingsConfigDict(env_prefix="CROZE_", frozen=True, populate_by_name=True)

    redis_password_file: PasswordFile | None = None
    """A file that holds the password of Redis, so that it need not be in a URL: a container's secret."""
    redis_url: str = Field(
        default=DEFAULT_REDIS_URL,
        validation_alias=AliasChoices("CROZE_REDIS_URL", "REDIS_URL", "redis_url"),
        validate_default=True,
        repr=False,
    )
    """With the password of `redis_password_file`, if there is one."""
    chunk_seconds: Seconds = 1.0
    """Work claimed at a time: long enough to make the queue cheap, short enough to share it fairly."""
    item_timeout: Seconds = 1800.0
    """Seconds after which one item's computation is killed."""
    engine_memory: ByteSize = Field(default=ByteSize(_ENGINE_MEMORY), gt=0)
    """Bytes of main memory that an engine may hold before it is killed; with a unit: 8GiB."""
    engine_max_items: Annotated[int, Gt(0)] = 100_000
    """Items after which an engine is replaced by a fresh one."""
    engine_growth: Annotated[float, Gt(1)] = 4.0
    """How many times the memory it held when it was fresh an engine may hold between two items."""
    engine_deaths: Annotated[int, Gt(0)] = ENGINE_DEATHS
    """Engines that may die over one item before it is failed."""
    lease_expiries: Annotated[int, Gt(0)] = LEASE_EXPIRIES
    """Workers that may vanish with one item in their hands before it is failed."""
    unserved_timeout: Seconds = keys.UNSERVED_S
    """Seconds that items wait for a worker of a release that can score them, while others are alive; then they fail."""
    drain_seconds: Seconds = 5.0
    """Seconds that the item in hand gets to finish after SIGTERM; then it is handed back."""
    require_device: Literal["cpu", "cuda"] | None = None
    """What the engine has to compute on: where it finds another device, the worker ends. None: whatever it finds."""
    health_file: Path | None = None
    """Where the heartbeat notes how this worker is, for `python -m workers.health`. None: nowhere."""
    log_format: Literal["plain", "json"] = "plain"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("redis_url")
    @classmethod
    def _with_password(cls, url: str, info: ValidationInfo) -> str:
        return with_password(url, info.data.get("redis_password_file"))


def connect(url: str) -> redis.Redis:
    """A client for the server at `url`. Nothing is sent yet.

    The driver must not repeat a command by itself after a broken connection: the first one may have been
    executed, and claiming twice would lease items that no worker knows of.

    Raises:
        ValueError: `url` is none of Redis, or names a file that is not there. The message does not hold it.
    """
    try:
        client = _client(url)
    except ValueError:
        # The driver's own words may hold a piece of the password.
        raise ValueError(
            "this is no URL of a Redis server; allowed: redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER], rediss://... "
            "or unix:///PATH, special characters of a password as %XX"
        ) from None
    authority = client.get_connection_kwargs().get("ssl_ca_certs")
    if authority is not None and not os.access(authority, os.R_OK):
        raise ValueError(
            f"ssl_ca_certs={authority} is no file that can be read; name one of certificates, in PEM format"
        )
    return client


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        # The types of replies differ between protocols; RQ is tried with 2.
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        socket_timeout=_COMMAND_TIMEOUT_S,
    )
