"""docs/webhooks.md: its receiver's code takes what is really sent, and nothing else; its numbers are the service's."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from app.webhooks import delivery
from app.webhooks.schemas import WebhookRequest
from tests.app.conftest import served
from tests.app.driving import work
from tests.app.webhooks.receiver import SECRET, Received, receiving, submitted_to
from workers.embedded_redis import EmbeddedRedis
from workers.settings import connect
from workers.store import Store

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")


@pytest.fixture
def verify(tmp_path: Path) -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "receiver_of_the_page.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verify


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Received]:
    """A real delivery."""
    with EmbeddedRedis(tmp_path / "own") as server, connect(server.url) as client, receiving() as receiver:
        settings = Settings(redis_url=server.url, webhook_allow_private=True)
        with served(settings) as url, httpx.Client(base_url=url, timeout=60) as api:
            work(Store(client), submitted_to(api, receiver.url)["id"])
            yield receiver.wait_for(1)[0]


def test_the_code_of_the_page_knows_a_real_delivery(verify: Any, told: Received) -> None:
    verify(SECRET, told.headers, told.body)
    with pytest.raises(ValueError, match="not signed"):
        verify(SECRET, told.headers, told.body + b" ")
    with pytest.raises(ValueError, match="not signed"):
        verify(SECRET, {**told.headers, "webhook-id": "msg_other"}, told.body)
    with pytest.raises(ValueError, match="not signed"):
        verify("whsec_" + "A" * 32, told.headers, told.body)
    with pytest.raises(ValueError, match="too old"):
        verify(SECRET, {**told.headers, "webhook-timestamp": "1"}, told.body)


def test_fields_and_times_are_those_of_the_service() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(example)["webhook"].keys() == WebhookRequest.model_fields.keys()
    assert "about 5 s, 30 s, 2 min, 10 min, 1 h and 6 h" in PAGE
    assert [*delivery.BACK_OFF_S] == [5, 30, 120, 600, 3_600, 21_600]
    assert f"within {delivery.ATTEMPT_S:g} seconds" in PAGE
    assert "webhook_allow_private" in Settings.model_fields
