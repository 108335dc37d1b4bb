"""Where the time of one answer goes: collected for whoever wants to know, and for nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

#: Part -> seconds. Shared with the threads that work for the one who collects: they are given copies of the context.
_parts: Final[ContextVar[dict[str, float] | None]] = ContextVar("timings", default=None)


@contextmanager
def collected() -> Iterator[dict[str, float]]:
    """Seconds by part, of all that is measured while the block runs; each is there once it was measured."""
    parts: dict[str, float] = {}
    token = _parts.set(parts)
    try:
        yield parts
    finally:
        _parts.reset(token)


@contextmanager
def measured(part: str) -> Iterator[None]:
    """Adds the time that the block takes to `part`, if anybody collects."""
    parts = _parts.get()
    if parts is None:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        parts[part] = parts.get(part, 0.0) + time.perf_counter() - began
