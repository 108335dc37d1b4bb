"""A trace begins with the request, or goes on with the client's; the job's record carries it to the worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.settings import Settings
from tests.app.conftest import Serve
from tests.app.driving import CELL, submitted
from tests.workers.processes import wait_until
from workers import tracing
from workers.store import Store

CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    monkeypatch.setattr(tracing, "_provider", None)
    exporter = InMemorySpanExporter()
    tracing.start("test", exporter)
    provider = tracing.provider()
    assert provider is not None
    yield exporter
    provider.shutdown()


def test_a_request_is_a_span_that_its_job_goes_on_with(
    spans: InMemorySpanExporter, serve: Serve, redis_url: str, store: Store
) -> None:
    api = serve(Settings(redis_url=redis_url))
    body = {"space": "nasbench201", "architectures": [CELL]}
    made = api.post("/v1/jobs", json=body, headers={"traceparent": CLIENT})
    job = store.jobs.get(made.json()["id"])
    assert job is not None
    assert job.spec.traceparent is not None
    _, trace_id, span_id, _ = job.spec.traceparent.split("-")

    provider = tracing.provider()
    assert provider is not None
    # The span ends after the last byte was sent.
    assert wait_until(lambda: provider.force_flush(20_000) and len(spans.get_finished_spans()) == 1, 20)
    (span,) = spans.get_finished_spans()
    assert span.context is not None
    assert span.parent is not None
    assert (format(span.context.trace_id, "032x"), format(span.context.span_id, "016x")) == (trace_id, span_id)
    assert (trace_id, format(span.parent.span_id, "016x")) == tuple(CLIENT.split("-")[1:3])
    assert span.name == "POST /v1/jobs"
    assert (span.attributes or {})["http.response.status_code"] == 202


def test_without_traces_a_job_has_none(serve: Serve, redis_url: str, store: Store) -> None:
    job = store.jobs.get(submitted(serve(Settings(redis_url=redis_url)))["id"])
    assert job is not None
    assert job.spec.traceparent is None
