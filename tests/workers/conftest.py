"""A store over this test process's own server."""

from __future__ import annotations

import pytest
import redis as redis_driver

from workers.store import Store


@pytest.fixture
def store(redis: redis_driver.Redis) -> Store:
    return Store(redis)
