"""Whether the API of this host can take jobs: `python -P -m app.probe [URL]`, for the health check of a container.

It imports nothing but the standard library. Exit code 0: `GET /readyz` was answered with 200. Else 1, and one line
says why.
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

DEFAULT_URL: Final = "http://127.0.0.1:8000/readyz"
#: The API itself gives Redis 3 s to be connected to.
_TIMEOUT_S: Final = 5.0


def problem_at(url: str) -> str | None:
    """What is wrong with the API at `url`; None: nothing."""
    opener = build_opener(ProxyHandler({}))  # a proxy that the environment names cannot reach our loopback
    try:
        with opener.open(url, timeout=_TIMEOUT_S):
            return None
    except HTTPError as error:
        with error:
            return f"{error.code}: {_detail(error.read())}"
    except (OSError, HTTPException, ValueError) as error:
        return f"no answer from {url}: {getattr(error, 'reason', None) or error}"


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, LookupError, TypeError):
        return body[:200].decode(errors="replace")


def main() -> int:
    """The probe. Returns the exit code."""
    problem = problem_at(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_URL)
    sys.stdout.write("ready\n" if problem is None else f"not ready: {problem}\n")
    return 0 if problem is None else 1


if __name__ == "__main__":
    sys.exit(main())
