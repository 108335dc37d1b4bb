"""An API that may tell loopback, over a server of its own: others' APIs would take its deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
import redis as redis_driver

from app.settings import Settings
from tests.app.conftest import served
from tests.app.webhooks.receiver import Receiver, receiving
from workers.embedded_redis import EmbeddedRedis
from workers.settings import connect
from workers.store import Store


class Own(NamedTuple):
    """A Redis server that nobody else uses."""

    url: str
    redis: redis_driver.Redis
    store: Store


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with EmbeddedRedis(tmp_path_factory.mktemp("own")) as server:
        yield server.url


@pytest.fixture
def own(_server: str) -> Iterator[Own]:
    with connect(_server) as client:
        client.flushall()
        yield Own(_server, client, Store(client))


@pytest.fixture
def open_api(own: Own) -> Iterator[httpx.Client]:
    """A client of an API that may tell private addresses."""
    with (
        served(Settings(redis_url=own.url, webhook_allow_private=True)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one
