"""What the service says it knows."""

from __future__ import annotations

import httpx
import pytest

from app.catalog.schemas import ProxyList, SpaceList
from proxy.proxies import PROXIES
from proxy.spaces import SPACES
from tests.app.driving import submit


def test_spaces_are_those_of_the_table(api: httpx.Client) -> None:
    body = api.get("/v1/spaces").json()

    SpaceList.model_validate(body)
    assert [space["name"] for space in body["items"]] == list(SPACES)
    for space in body["items"]:
        assert api.get(f"/v1/spaces/{space['name']}").json() == space
        assert sum(each["canonical"] for each in space["formats"]) == 1


@pytest.mark.parametrize("space", SPACES)
def test_every_formats_example_can_be_submitted(api: httpx.Client, space: str) -> None:
    formats = api.get(f"/v1/spaces/{space}").json()["formats"]

    answer = submit(
        api,
        space=space,
        architectures=[{"architecture": each["example"], "format": each["name"]} for each in formats],
        settings={"channels": 16, "layers": 8} if space == "darts" else {},
    )

    assert answer.status_code == 202, answer.text


def test_an_unknown_space_is_not_found(api: httpx.Client) -> None:
    answer = api.get("/v1/spaces/dart")

    assert answer.status_code == 404
    assert "did you mean 'darts'" in answer.json()["detail"]


def test_proxies_are_those_of_the_table(api: httpx.Client) -> None:
    body = api.get("/v1/proxies").json()

    ProxyList.model_validate(body)
    assert [proxy["name"] for proxy in body["items"]] == list(PROXIES)
