"""Logging of a process of ours: set up once, by its main module.

with logs.bound(job_id=..., request_id=...):    # on every line that is logged inside, by whatever module
    ...
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

_PLAIN: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
#: RQ says five lines a ring at INFO.
_QUIET: Final = ("rq.worker", "rq.job", "rq.queue", "rq.registry")

_bound: Final[ContextVar[Mapping[str, str]]] = ContextVar("log_fields", default={})  # noqa: B039 (never changed)


@contextmanager
def bound(**fields: str | None) -> Iterator[None]:
    """Every line that this thread or task logs while the block runs has these fields, but for those that are None."""
    known = {name: value for name, value in fields.items() if value is not None}
    token = _bound.set({**_bound.get(), **known})
    try:
        yield
    finally:
        _bound.reset(token)


def bound_value(name: str) -> str | None:
    """What a line logged now would have in that field."""
    return _bound.get().get(name)


class PlainFormatter(logging.Formatter):
    """For people: the fields that are bound stand behind the message, but for what it says itself."""

    def __init__(self) -> None:
        super().__init__(_PLAIN)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        message = super().formatMessage(record)
        fields = [f"{name}={value}" for name, value in _bound.get().items() if value not in message]
        return f"{message} [{' '.join(fields)}]" if fields else message


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, pid, the fields that are bound or that came with
    the entry as `extra={"fields": ...}`, and traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            **_bound.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class WithoutDriverTraceback(logging.Filter):
    """Redis being away needs one line, not the sixty of the driver's traceback that RQ logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RedisConnectionError | RedisTimeoutError):
            record.msg, record.args, record.exc_info = f"{record.getMessage()} {error}", (), None
        return True


def configure(style: Literal["plain", "json"], level: str) -> None:
    """Send all logs of this process to stderr. Replaces what was configured before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else PlainFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    handler.addFilter(WithoutDriverTraceback())
