"""The real API on a real port, over the test process's own Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import redis as redis_driver
import uvicorn

from app.http_protocol import BoundedHttp
from app.main import create_app
from app.settings import Settings
from workers.store import Store

Serve = Callable[[Settings], httpx.Client]


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The base URL of an API with these settings, in a thread of its own."""
    config = uvicorn.Config(
        create_app(settings),
        host="127.0.0.1",
        port=0,
        http=BoundedHttp,
        ws="none",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the API did not start"
        assert time.monotonic() < deadline, "the API did not start in time"
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the API did not stop"


@pytest.fixture(scope="session")
def _shared_url(redis_url: str) -> Iterator[str]:
    with served(Settings(redis_url=redis_url)) as url:
        yield url


@pytest.fixture
def api(_shared_url: str, redis: redis_driver.Redis) -> Iterator[httpx.Client]:
    """A client of an API with default settings over an empty Redis."""
    with httpx.Client(base_url=_shared_url, timeout=30) as client:
        yield client


@pytest.fixture
def serve(redis: redis_driver.Redis) -> Iterator[Serve]:
    """Starts an API with the given settings for one test."""
    with ExitStack() as stack:

        def start(settings: Settings) -> httpx.Client:
            url = stack.enter_context(served(settings))
            return stack.enter_context(httpx.Client(base_url=url, timeout=30))

        yield start


@pytest.fixture
def store(redis_url: str, redis: redis_driver.Redis) -> Iterator[Store]:
    """The store that the API writes to."""
    with redis_driver.Redis.from_url(redis_url, protocol=2) as client:
        yield Store(client)
