"""Logs and traces of an API process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from workers import logs, tracing

if TYPE_CHECKING:
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
    tracing.configure("croze-api")
