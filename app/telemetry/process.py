"""Logs and traces of an API process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from workers import logs, tracing

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

    from app.settings import Settings

#: uvicorn gives these handlers of their own before it loads the application.
_UVICORN: Final = ("uvicorn", "uvicorn.error", "uvicorn.access")


def configure(settings: Settings) -> None:
    """All lines of this process in one form. uvicorn's are among them, but for its line a request: ours says more."""
    logs.configure(settings.log_format, settings.log_level)
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # Without a handler anywhere above it, uvicorn does not write its access log.
        logger.propagate = name != "uvicorn.access"
    # It would write down the URLs of webhooks, which may hold secrets.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    tracing.configure("croze-api")


def requests_traced() -> TelemetryConfig:
    """What FastAPI is told: one span a request, if traces are configured, and nothing else of its own."""
    provider = tracing.provider()
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
    }
