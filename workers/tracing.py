"""Traces over OpenTelemetry, from a request to the engine: if an endpoint is configured, and else nothing at all.

OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) turns it on; it needs the extra `croze[otel]`, and
all other OTEL_* variables mean what OpenTelemetry says. A job's record carries the trace from the API to the worker.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
#: OpenTelemetry's own is 10 s: too long for a process that is told to end while its collector is away.
_EXPORT_TIMEOUT_S: Final = 3.0
_OURS: Final = "croze"

log = logging.getLogger(__name__)

_provider: TracerProvider | None = None


def configure(service: str) -> None:
    """Trace this process, under this name unless OTEL_SERVICE_NAME gives another, if an endpoint is configured."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        log.warning("no traces, though an endpoint is configured: %s; install croze[otel]", error)
        return
    timeout = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else _EXPORT_TIMEOUT_S
    start(service, OTLPSpanExporter(timeout=timeout))


def start(service: str, exporter: SpanExporter) -> None:
    """Send the spans of this process to `exporter`, in the background; at exit, what is left."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _provider
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    _provider = TracerProvider(resource=Resource.create(named))
    _provider.add_span_processor(BatchSpanProcessor(exporter))


def flush() -> None:
    """Send what is left now, or give up after some seconds."""
    if _provider is not None:
        _provider.force_flush(round(_EXPORT_TIMEOUT_S * 1000))


def provider() -> TracerProvider | None:
    """Where spans of this process are made; None if nothing is traced."""
    return _provider


@contextmanager
def span(
    name: str,
    kind: Literal["internal", "consumer"] = "internal",
    *,
    parent: str | None = None,
    **attributes: str | int | float,
) -> Iterator[None]:
    """The block as a span: a part of the one around it, or of `parent`, given as a W3C traceparent.

    Attributes are named `croze.<name>`. An error that leaves the block is recorded.
    """
    if _provider is None:
        yield
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = None if parent is None else TraceContextTextMapPropagator().extract({"traceparent": parent})
    tracer = _provider.get_tracer(_OURS)
    with tracer.start_as_current_span(name, context, SpanKind[kind.upper()], _named(attributes)):
        yield


def describe(**attributes: str | int | float) -> None:
    """Tell more of the span around this."""
    if _provider is None:
        return
    from opentelemetry.trace import get_current_span

    get_current_span().set_attributes(_named(attributes))


def traceparent() -> str | None:
    """The span around this as a W3C traceparent, for those who go on with its work."""
    if _provider is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")


def _named(attributes: Mapping[str, str | int | float]) -> dict[str, str | int | float]:
    return {f"{_OURS}.{name}": value for name, value in attributes.items()}
