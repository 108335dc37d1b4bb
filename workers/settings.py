"""What can be set from the environment (prefix CROZE_), and how Redis is connected to."""

from __future__ import annotations

import os
from typing import Annotated, Final, Literal

import redis
from annotated_types import Gt
from pydantic import AliasChoices, ByteSize, Field
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

    redis_url: str = Field(
        default=DEFAULT_REDIS_URL, validation_alias=AliasChoices("CROZE_REDIS_URL", "REDIS_URL", "redis_url")
    )
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
    log_format: Literal["plain", "json"] = "plain"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


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
