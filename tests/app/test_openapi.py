"""The document is complete, and its examples work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.errors import PROBLEM_MEDIA_TYPE, PROBLEMS
from app.jobs.schemas import ItemView, JobView
from app.main import create_app
from app.problems import ProblemView
from app.settings import Settings

DOCUMENT = create_app(Settings(redis_url="redis://127.0.0.1:1")).openapi()
OPERATIONS = [
    (method, path, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]


def _examples() -> Iterator[tuple[str, str, str, Any]]:
    for method, path, operation in OPERATIONS:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for name, example in content.get("examples", {}).items():
                yield name, method, _filled(path, operation), example["value"]


def _filled(path: str, operation: Any) -> str:
    """The path with each parameter's own example in its place."""
    parameters = [each for each in operation.get("parameters", ()) if each["in"] == "path"]
    return str(path.format(**{each["name"]: each["schema"]["examples"][0] for each in parameters}))


@pytest.mark.parametrize(("name", "method", "path", "body"), list(_examples()), ids=lambda value: str(value)[:20])
def test_every_request_example_works(api: httpx.Client, name: str, method: str, path: str, body: Any) -> None:
    answer = api.request(method, path, json=body)

    assert answer.status_code in (200, 202), f"{name}: {answer.text}"


def test_there_are_request_examples_for_every_space() -> None:
    assert {body["space"] for _, _, _, body in _examples()} == {"nasbench201", "darts"}


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda value: str(value)[:40])
def test_operations_are_described_and_their_errors_documented(method: str, path: str, operation: Any) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    for status, response in operation["responses"].items():
        assert response["description"]
        if int(status) < 400:
            continue
        content = response["content"]
        assert list(content) == [PROBLEM_MEDIA_TYPE]
        for code, example in content[PROBLEM_MEDIA_TYPE]["examples"].items():
            ProblemView.model_validate(example["value"])
            assert PROBLEMS[code].status == int(status)


def test_examples_of_streams_are_what_streams_send() -> None:
    path = DOCUMENT["paths"]["/v1/jobs/{job_id}/scores"]["get"]["responses"]["200"]["content"]
    ItemView.model_validate_json(path["application/x-ndjson"]["example"])
    path = DOCUMENT["paths"]["/v1/jobs/{job_id}/events"]["get"]["responses"]["200"]["content"]
    told = re.findall(r"event: (\w+)\nid: (\w+)\ndata: (.*)\n\n", path["text/event-stream"]["example"])
    assert [(name, event_id) for name, event_id, _ in told] == [("item", "1"), ("job", "end")]
    ItemView.model_validate_json(told[0][2])
    JobView.model_validate_json(told[1][2])


def test_every_code_is_documented_somewhere() -> None:
    documented = {
        code
        for _, _, operation in OPERATIONS
        for response in operation["responses"].values()
        for code in response.get("content", {}).get(PROBLEM_MEDIA_TYPE, {}).get("examples", {})
    }

    # A wrong method has no operation to be documented at; "invalid" and "undefined" have more exact ones below them;
    # a lossy conversion is an item's own; too long a head is met before there is a path.
    assert PROBLEMS.keys() - documented == {"method_not_allowed", "invalid", "lossy_conversion", "head_too_large"}


def test_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]

    assert {name.rpartition("/")[2] for name in _references(DOCUMENT)} <= schemas.keys()
    assert "HTTPValidationError" not in schemas


@pytest.mark.parametrize("model", ["SubmitRequest", "ValidateRequest", "ConvertRequest"])
def test_every_field_of_a_request_says_what_is_allowed(model: str) -> None:
    for name, field in DOCUMENT["components"]["schemas"][model]["properties"].items():
        assert field["description"], name


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
