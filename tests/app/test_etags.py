"""What a client has already is not sent again."""

from __future__ import annotations

import httpx
import pytest

from tests.app.driving import submitted, work
from workers.store import Store


@pytest.mark.parametrize("path", ["/v1", "/v1/spaces", "/v1/proxies", "/v1/problems", "/openapi.json"])
def test_what_is_the_same_is_not_sent_again(api: httpx.Client, path: str) -> None:
    first = api.get(path)
    tag = first.headers["etag"]
    assert first.status_code == 200
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
        assert again.headers["x-request-id"]
    other = api.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_a_job_has_another_tag_when_it_has_changed_and_then_keeps_it(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    path = job["links"]["self"]
    queued = api.get(path).headers["etag"]
    work(store, job["id"])
    ended = api.get(path, headers={"If-None-Match": queued})
    assert (ended.status_code, ended.json()["status"]) == (200, "completed")
    assert api.get(path, headers={"If-None-Match": ended.headers["etag"]}).status_code == 304


def test_only_json_that_was_asked_for_with_get_has_one(api: httpx.Client, store: Store) -> None:
    job = submitted(api)
    work(store, job["id"])
    stream = api.get(job["links"]["scores"], headers={"Accept": "application/x-ndjson", "If-None-Match": "*"})
    assert (stream.status_code, len(stream.text.splitlines())) == (200, 1)
    for answer in (
        stream,
        api.get("/metrics", headers={"If-None-Match": "*"}),
        api.get("/v1/jobs/nothing", headers={"If-None-Match": "*"}),
        api.post(job["links"]["cancel"], headers={"If-None-Match": "*"}),
    ):
        assert "etag" not in answer.headers
        assert answer.status_code in (200, 404)
        assert answer.content
