"""One table for all errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.errors import PROBLEMS, ApiError
from app.settings import Settings
from proxy.errors import ProxyError
from tests.app.conftest import Serve
from tests.app.driving import submit
from workers.errors import StoreError


def _tree(base: type[Exception]) -> Iterator[type[Exception]]:
    yield base
    for child in base.__subclasses__():
        yield from _tree(child)


@pytest.mark.parametrize("base", [ProxyError, StoreError, ApiError])
def test_every_error_that_a_client_can_meet_is_in_the_table(base: type[Exception]) -> None:
    # Evaluation and search are commands, and have no path; whether a test before this one has imported them is chance.
    kinds = [kind for kind in _tree(base) if not kind.__module__.startswith(("proxy.evaluation", "proxy.search"))]
    codes = {vars(kind)["code"] for kind in kinds if "code" in vars(kind)}

    assert codes
    assert codes <= PROBLEMS.keys()


def test_every_code_is_explained_where_its_type_points(api: httpx.Client) -> None:
    listed = api.get("/v1/problems").json()["items"]

    assert [kind["code"] for kind in listed] == list(PROBLEMS)
    for kind in listed:
        assert api.get(f"/v1/problems/{kind['code']}").json() == kind


def test_an_unknown_code_is_not_found(api: httpx.Client) -> None:
    answer = api.get("/v1/problems/unknown_jab")

    assert answer.status_code == 404
    assert "did you mean 'unknown_job'" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/", "/v1/job", "/v1/jobs/", "/v2/jobs", "/v1/jobs/x/y/z"])
def test_unknown_paths_are_404_problems(api: httpx.Client, path: str) -> None:
    answer = api.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"
    assert "GET /v1" in answer.json()["detail"]


def test_other_methods_are_405_problems_that_name_the_allowed_ones(api: httpx.Client) -> None:
    answer = api.delete("/v1/jobs")

    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert answer.json()["code"] == "method_not_allowed"
    assert "POST" in answer.headers["allow"]
    assert "POST" in answer.json()["detail"]


def test_redis_away_is_a_503_with_retry_after_that_names_no_address(serve: Serve, tmp_path: Path) -> None:
    api = serve(Settings(redis_url=f"unix://{tmp_path}/nobody.sock"))

    answers = [
        submit(api),
        api.get("/v1/jobs/x"),
        api.get("/v1/jobs/x/scores"),
        api.get("/v1/jobs/x", params={"wait": 30}),
        api.post("/v1/jobs/x/cancel"),
        api.get("/v1/batches"),
        api.get("/v1/spaces"),  # whether the service is open is not known
        api.get("/readyz"),
    ]

    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "store_unavailable"
        assert int(answer.headers["retry-after"]) > 0
        assert "nobody.sock" not in answer.text
    assert api.get("/livez").status_code == 200
    assert api.get("/v1/problems").status_code == 200
