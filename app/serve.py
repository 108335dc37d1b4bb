"""An API process by itself, as containers run it: `python -P -m app.serve --host 0.0.0.0`.

It is `uvicorn app.main:create_app --factory --http app.http_protocol:BoundedHttp --ws none`, but what is wrong is said
first, in one line, and before anything starts. Exit codes: 2 a setting is wrong, 1 it cannot serve for another reason.
Redis being away is neither: it starts, says so, and answers 503 until Redis is back.
"""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from typing import Final

import uvicorn
from pydantic import ValidationError

from app.exposure import Exposed, refuse_exposure
from app.http_protocol import BoundedHttp
from app.main import create_app
from app.settings import Settings
from app.telemetry import process
from workers.errors import SchemaMismatch, StoreError
from workers.settings import connect, explained
from workers.store import Store

#: Else it would wait for clients that wait: up to a minute for `?wait=`, and without end for a stream.
_GRACE_S: Final = 3
_BACKLOG: Final = 2048

EXIT_OK: Final = 0
EXIT_CANNOT_SERVE: Final = 1
EXIT_SETTINGS: Final = 2

log = logging.getLogger("croze.api")


def main() -> int:
    """Serve until told to end. Returns the exit code."""
    host, port = _arguments()
    try:
        settings = Settings()
        store = Store(connect(settings.redis_url))
        refuse_exposure(host, store, settings)
        listener = _listening(host, port)
    except ValidationError as error:
        return _refused(f"wrong setting: {explained(error)}", EXIT_SETTINGS)
    except ValueError as error:
        return _refused(f"wrong setting: CROZE_REDIS_URL: {error}", EXIT_SETTINGS)
    except Exposed as error:
        return _refused(str(error), EXIT_SETTINGS)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        return _refused(
            f"cannot listen on {host}:{port}: {reason}; name another with --host and --port", EXIT_CANNOT_SERVE
        )
    process.configure(settings)
    try:
        store.check_writable()
    except SchemaMismatch as error:
        return _refused(error.message, EXIT_CANNOT_SERVE)
    except StoreError as error:
        log.warning("%s; until that is mended, requests are answered with 503", error.message)
    config = uvicorn.Config(
        create_app,
        factory=True,
        host=host,
        port=port,
        http=BoundedHttp,
        ws="none",
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
    return EXIT_OK


def _arguments() -> tuple[str, int]:
    parser = argparse.ArgumentParser("python -P -m app.serve", description="Serve the API. Settings: CROZE_*.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: %(default)s)")
    given = parser.parse_args()
    return given.host, given.port


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _refused(reason: str, code: int) -> int:
    sys.stderr.write(f"croze api: {reason}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
