"""Fixtures for all tests: a real server, one per test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis as redis_driver

from workers.embedded_redis import EmbeddedRedis


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of this test process's own server. Its tests share it: `redis` flushes it."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def redis(redis_url: str) -> Iterator[redis_driver.Redis]:
    """A client of an empty server, left empty: an API key that stays would lock out tests that need no client."""
    with redis_driver.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client
        client.flushall()
