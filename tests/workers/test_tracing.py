"""Traces: of a job from its request to the engine, if they are wanted; else nothing of them is there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import FakeEngine, usual
from tests.workers.jobs import BATCH, cell, submit
from tests.workers.otlp import collector, names
from workers import tracing
from workers.drain import Drain
from workers.errors import TaskFailed
from workers.settings import WorkerSettings
from workers.store import Store
from workers.workbench import Workbench

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Spans of this process, once `flush` was called."""
    monkeypatch.setattr(tracing, "_provider", None)
    exporter = InMemorySpanExporter()
    tracing.start("test", exporter)
    yield exporter
    provider = tracing.provider()
    assert provider is not None
    provider.shutdown()


def flushed(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """What has been traced so far, in the order in which it began."""
    provider = tracing.provider()
    assert provider is not None
    assert provider.force_flush(20_000)
    return sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)


def context(span: ReadableSpan) -> Any:
    assert span.context is not None
    return span.context


def parent(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_the_worker_goes_on_with_the_trace_of_the_request(store: Store, spans: InMemorySpanExporter) -> None:
    def answer(task: ScoringTask) -> list[Score]:
        if task.architecture == cell(0):
            raise TaskFailed("it cannot", "out_of_memory")
        return usual(task)

    store.batches.put(BATCH)
    bench = Workbench(store, FakeEngine(answer), "me", Drain(60.0), WorkerSettings())
    job_id = submit(store, 1, traceparent=PARENT).spec.id
    bench.work_on(job_id)
    chunk, item, engine = flushed(spans)
    assert [span.name for span in (chunk, item, engine)] == ["chunk", "item", "engine"]
    assert {format(context(span).trace_id, "032x") for span in (chunk, item, engine)} == {PARENT.split("-")[1]}
    assert format(parent(chunk), "016x") == PARENT.split("-")[2]
    assert (parent(item), parent(engine)) == (context(chunk).span_id, context(item).span_id)
    assert dict(chunk.attributes or {}) == {"croze.job": job_id, "croze.items": 1}
    assert dict(item.attributes or {}) == {"croze.index": 0, "croze.outcome": "failed"}
    assert not engine.status.is_ok
    assert chunk.resource.attributes["service.name"] == "test"


def test_a_job_without_a_trace_starts_one(store: Store, spans: InMemorySpanExporter) -> None:
    store.batches.put(BATCH)
    bench = Workbench(store, FakeEngine(), "me", Drain(60.0), WorkerSettings())
    bench.work_on(submit(store, 1).spec.id)
    chunk, *_ = flushed(spans)
    assert (chunk.name, chunk.parent) == ("chunk", None)


def test_a_traceparent_leads_to_the_span_around_it(spans: InMemorySpanExporter) -> None:
    with tracing.span("outer", number=3):
        given = tracing.traceparent()
    with tracing.span("far away", parent=given):
        pass
    outer, far = flushed(spans)
    assert parent(far) == context(outer).span_id
    assert dict(outer.attributes or {}) == {"croze.number": 3}


@pytest.mark.parametrize("nonsense", ["", "00-zz-zz-01", "x" * 300])
def test_a_nonsense_traceparent_is_as_good_as_none(spans: InMemorySpanExporter, nonsense: str) -> None:
    with tracing.span("alone", parent=nonsense):
        pass
    (alone,) = flushed(spans)
    assert alone.parent is None


def test_nothing_is_traced_unless_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_provider", None)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    tracing.configure("test")
    assert tracing.provider() is None
    with tracing.span("any", x=1):
        tracing.describe(y=2)
        assert tracing.traceparent() is None


_UNCONFIGURED = """
import sys
import workers.main, app.main
from workers import tracing
tracing.configure("test")
with tracing.span("any"):
    pass
# The driver of Redis loads what is there of OpenTelemetry's metrics; spans are ours alone.
found = [name for name in sys.modules if name.startswith(("opentelemetry.sdk.trace", "opentelemetry.exporter"))]
assert not found, found
"""


def test_without_an_endpoint_nothing_of_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    subprocess.run([sys.executable, "-c", _UNCONFIGURED], check=True, timeout=120)


_TRACED = """
from workers import tracing
tracing.configure("croze-test")
with tracing.span("work", job="j"):
    pass
"""


def test_an_endpoint_is_sent_what_is_left_at_the_end_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (url, received):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        subprocess.run([sys.executable, "-c", _TRACED], check=True, timeout=120)
    assert names(received) == {"croze-test": ["work"]}


def test_an_endpoint_without_the_extra_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracing, "_provider", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    tracing.configure("test")
    assert tracing.provider() is None
    assert "install croze[otel]" in caplog.text


def test_a_process_ends_though_its_collector_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    subprocess.run([sys.executable, "-c", _TRACED], check=True, timeout=120)
