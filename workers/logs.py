"""Logging of a process of ours: set up once, by its main module."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

_PLAIN: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
#: RQ says five lines a ring at INFO.
_QUIET: Final = ("rq.worker", "rq.job", "rq.queue", "rq.registry")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, pid, and traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
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
    handler.setFormatter(JsonFormatter() if style == "json" else logging.Formatter(_PLAIN))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    handler.addFilter(WithoutDriverTraceback())
