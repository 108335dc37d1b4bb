"""Every path, parameter and field that the client uses is in the API's own document."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from croze_client import Options, Patience, Submission, catalog, jobs
from croze_client.following import follow
from croze_client.known import read_checked, read_space, read_worker
from croze_client.results import read_item, read_job
from croze_client.steps import Ask, Plan

from app.main import create_app
from app.settings import Settings

DOCUMENT: Any = create_app(Settings(redis_url="redis://127.0.0.1:1")).openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
PATIENCE = Patience()
#: Read by the same function from similar objects that do have it.
ELSEWHERE = {"NoValueView": {"faults"}, "ValidatedView": {"architecture"}}
PLANS: list[Plan[Any]] = [
    jobs.submit(Submission(b"{}", "key"), PATIENCE),
    jobs.submit(Submission(b"{}", "key", "ours"), PATIENCE),
    jobs.read("ours", PATIENCE, 5.0),
    jobs.page_through("ours", PATIENCE, "best"),
    jobs.change("ours", "cancel", PATIENCE),
    jobs.change("ours", "retry", PATIENCE),
    jobs.delete("ours", PATIENCE),
    follow("ours", PATIENCE),
    catalog.spaces(PATIENCE),
    catalog.workers(PATIENCE),
    catalog.look_at("validate", b"{}", PATIENCE),
    catalog.look_at("convert", b"{}", PATIENCE),
]


class Noting(dict[str, Any]):
    """An object that notes which of its fields were looked for."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.wanted: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.wanted.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> Any:
        self.wanted.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.wanted.add(name)
        return super().get(name, default)


def resolved(schema: Any) -> Any:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def example(schema: Any, noted: list[tuple[Any, Noting]]) -> Any:
    """Some value of a schema, every object in it `noted`; null only where nothing else is allowed."""
    schema = resolved(schema)
    for choice in schema.get("anyOf", ()):
        if resolved(choice).get("type") != "null":
            return example(choice, noted)
    if "properties" in schema:
        made = Noting({name: example(field, noted) for name, field in schema["properties"].items()})
        noted.append((schema, made))
        return made
    match schema.get("type"):
        case "object":
            more = schema.get("additionalProperties")
            return {"any": example(more, noted)} if isinstance(more, dict) else {}
        case "array":
            return [example(schema.get("items", {}), noted)]
        case "integer":
            return 1
        case "number":
            return 1.5
        case "boolean":
            return True
    return schema.get("const") or next(iter(schema.get("enum", ["text"])))


@pytest.mark.parametrize(
    ("read", "schema"),
    [
        (read_job, "JobView"),
        (read_item, "ItemView"),
        (read_worker, "WorkerView"),
        (read_space, "SpaceView"),
        (read_checked, "ValidatedView"),
    ],
)
def test_every_field_that_is_read_is_one_of_the_api(read: Callable[[Any], Any], schema: str) -> None:
    noted: list[tuple[Any, Noting]] = []
    value = read(example(SCHEMAS[schema], noted))
    assert value.raw
    assert any(each.wanted for _, each in noted)
    for fields, each in noted:
        allowed = set(fields["properties"]) | ELSEWHERE.get(fields["title"], set())
        assert each.wanted <= allowed, fields["title"]


def test_a_conversion_is_read_too() -> None:
    assert read_checked(example(SCHEMAS["ConvertedView"], [])).valid


def test_options_are_exactly_the_fields_of_a_submission() -> None:
    # A field that the API gains is to be an option too.
    assert set(Options.__annotations__) - {"extra"} == set(SCHEMAS["SubmitRequest"]["properties"]) - {"architectures"}


def test_entries_are_what_architectures_may_be() -> None:
    description = SCHEMAS["SubmitRequest"]["properties"]["architectures"]["description"]
    assert "{architecture, format, id}" in description


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.__name__)
def test_every_request_is_one_of_the_api(plan: Plan[Any]) -> None:
    request = next(plan)
    plan.close()
    assert isinstance(request, Ask)
    (operation,) = [
        operations[request.method.lower()]
        for path, operations in DOCUMENT["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "ours", path), request.path) and request.method.lower() in operations
    ]
    parameters = {(each["in"], each["name"].lower()) for each in operation.get("parameters", ())}
    assert {("query", name.lower()) for name in request.params} <= parameters
    own = {name.lower() for name in request.headers} - {"content-type", "accept"}
    assert {("header", name) for name in own} <= parameters
    accepted = request.headers.get("Accept", "application/json")
    good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    assert any(accepted in answer.get("content", {}) for answer in good) or request.method == "DELETE"


def test_what_a_stream_is_resumed_by_is_of_the_api() -> None:
    operation = DOCUMENT["paths"]["/v1/jobs/{job_id}/events"]["get"]
    assert "Last-Event-ID" in [each["name"] for each in operation["parameters"]]
    assert {"job", "item"} <= set(
        re.findall(
            r"^event: (\w+)$",
            str(operation["responses"]["200"]["content"]["text/event-stream"]["example"]),
            re.MULTILINE,
        )
    )
    assert DOCUMENT["info"]["title"] == "CRoZe"
