"""The real API on a real port, somebody who scores by hand, and both clients of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
import redis as redis_driver
from croze_client import Client

from app.settings import Settings
from tests.app.conftest import served
from tests.app.driving import fail, work
from tests.client.blocking import Blocking
from workers.settings import connect
from workers.store import Store

AnyClient: TypeAlias = Any


@pytest.fixture(scope="session")
def _shared_url(redis_url: str) -> Iterator[str]:
    with served(Settings(redis_url=redis_url)) as url:
        yield url


@pytest.fixture
def url(_shared_url: str, redis: redis_driver.Redis) -> str:
    """An API over an empty Redis."""
    return _shared_url


@pytest.fixture(params=[Client, Blocking], ids=["client", "async_client"])
def client(request: pytest.FixtureRequest, url: str) -> Iterator[AnyClient]:
    """A client of that API, of either kind."""
    with request.param(url, space="nasbench201", format="nats_tss_index") as made:
        yield made


@contextmanager
def working(store: Store, *, at_once: int = 2, failing: Callable[[str], bool] = lambda _: False) -> Iterator[None]:
    """Scores whatever is open, a few items at a time, until the block ends; fails jobs that are `failing`."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.01):
            for load in store.jobs.outlook().jobs:
                if failing(load.id):
                    fail(store, load.id, "timeout")
                else:
                    work(store, load.id, limit=at_once)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


@pytest.fixture
def store(redis_url: str, redis: redis_driver.Redis) -> Iterator[Store]:
    """The store that the API writes to."""
    with connect(redis_url) as connection:
        yield Store(connection)


@pytest.fixture
def worker(store: Store) -> Iterator[None]:
    """Somebody who scores by hand. Item i gets the score 1.5 + i."""
    with working(store):
        yield
