"""Requests that schemathesis makes of the OpenAPI document: no 5xx, and no answer that is not documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_driver
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.main import create_app
from app.settings import Settings
from tests.app.conftest import served
from workers.store import Store

SCHEMA = schemathesis.openapi.from_dict(create_app(Settings(redis_url="redis://127.0.0.1:1")).openapi())
ALIASES = ["application/x-npz", "application/zip"]
schemathesis.serializer.alias(ALIASES, "application/octet-stream")

#: The same requests every time: what is new is found when the document changes, not when somebody else is in a hurry.
FIXED = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def url(redis_url: str) -> Iterator[str]:
    """An API that counts nobody's requests."""
    with served(Settings(redis_url=redis_url, requests_per_minute=10**6, items_per_minute=10**6)) as url:
        yield url


@pytest.fixture
def key(store: Store, redis: redis_driver.Redis) -> dict[str, str]:
    """What an admin sends."""
    _, token = store.api_keys.add("schemathesis", "admin")
    return {"Authorization": f"Bearer {token}"}


def check(case: schemathesis.Case[Any], url: str, headers: dict[str, str]) -> None:
    # A schema cannot say which strings are architectures, so what fits it may be refused; by a documented error.
    case.call_and_validate(base_url=url, headers=headers, timeout=30, excluded_checks=[positive_data_acceptance])


@SCHEMA.parametrize()
@settings(FIXED, max_examples=10)
def test_every_answer_is_documented(case: schemathesis.Case[Any], url: str, key: dict[str, str]) -> None:
    check(case, url, key)


@SCHEMA.parametrize()
@settings(FIXED, max_examples=2)
def test_so_is_every_answer_to_those_without_a_key(case: schemathesis.Case[Any], url: str, key: dict[str, str]) -> None:
    check(case, url, {})
