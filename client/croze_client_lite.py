"""The CRoZe scoring service for Pythons that croze-client is too new for: one file, no dependencies, Python 3.7.

Copy it beside your code:

    import croze_client_lite as croze

    service = croze.Service("http://127.0.0.1:8000")
    for item in service.score(["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|skip_connect~2|"],
                              space="nasbench201"):
        print(item["scores"]["croze"]["value"] if item["status"] == "scored" else item["error"])

It does what is needed to score architectures, survives restarts of the service, and gives items as the service's plain
JSON. For types, streams, caching and adapters use croze-client.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from http.client import HTTPException
from typing import Any, Iterable, Mapping  # noqa: UP035 (Python 3.7)
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

__all__ = ["CrozeError", "Service"]

_LONG_POLL_S = 30
_ENDED = ("completed", "canceled")
_LOST_TIMES = 3


class CrozeError(Exception):
    """The service refused something, or cannot be reached. `code` is stable, `problem` the service's own document."""

    def __init__(self, message: str, code: str, problem: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.problem = problem or {}


class Service:
    """A running service."""

    def __init__(
        self, url: str | None = None, api_key: str | None = None, away: float = 60.0, busy: float = 600.0
    ) -> None:
        """
        Args:
            url: None: what CROZE_URL says, else http://127.0.0.1:8000.
            api_key: None: what CROZE_API_KEY says, else none.
            away: seconds for which a service that does not answer is asked again.
            busy: the same for one that answers that it has no room.
        """
        self.url = (url or os.environ.get("CROZE_URL") or "http://127.0.0.1:8000").rstrip("/")
        self._key = os.environ.get("CROZE_API_KEY", "") if api_key is None else api_key
        self._away, self._busy = away, busy
        local = any(self.url.startswith("http://" + host) for host in ("127.0.0.1", "localhost", "[::1]"))
        # A proxy that the environment names cannot reach our loopback.
        self._opener = build_opener(ProxyHandler({})) if local else build_opener()

    def score(
        self, architectures: Iterable[Any], space: str, key: str | None = None, **fields: Any
    ) -> list[dict[str, Any]]:
        """One item for each architecture, in their order, when all have ended.

        Args:
            key: an idempotency key of your own: the same call with the same key goes on with the same job.
            fields: anything else that POST /v1/jobs takes: proxies, settings, format, seeds ...

        A bad architecture is an item with status "failed". Raises CrozeError if all of it is refused.
        """
        job = self.submit(architectures, space, key or uuid.uuid4().hex, **fields)
        self.wait(job)
        return self.items(job)

    def values(
        self, architectures: Iterable[Any], space: str, failed: float = float("-inf"), **fields: Any
    ) -> list[float]:
        """The first proxy's value for each architecture, `failed` where there is none."""
        return [_first_value(item, failed) for item in self.score(architectures, space, **fields)]

    def submit(self, architectures: Iterable[Any], space: str, key: str, **fields: Any) -> dict[str, Any]:
        """The job that this makes, or has made before under this key. Give it to `wait` as it is."""
        request = {"space": space, "architectures": list(architectures), "on_invalid": "fail"}
        request.update(fields)
        body = json.dumps(request, allow_nan=False, default=_plain).encode()
        job = self._ask("POST", "/v1/jobs", body, {"Idempotency-Key": key})
        job["_sent"] = (body, key)
        return job

    def wait(self, job: dict[str, Any]) -> dict[str, Any]:
        """The job at its end."""
        lost = 0
        while True:
            began = time.time()
            try:
                now = self._ask("GET", f"/v1/jobs/{job['id']}?wait={_LONG_POLL_S}")
            except CrozeError as error:
                # Its Redis was replaced by a copy that had not heard of the job. The key makes it the same job.
                lost += 1
                if error.code != "unknown_job" or lost > _LOST_TIMES or "_sent" not in job:
                    raise
                body, key = job["_sent"]
                now = self._ask("POST", "/v1/jobs", body, {"Idempotency-Key": key})
            if now["status"] in _ENDED:
                return now
            if time.time() - began < 1.0:  # something between us and the service does not wait
                time.sleep(1.0)

    def items(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """All items of a job as they are now, in the order of the request."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self._ask("GET", f"/v1/jobs/{job['id']}/scores?limit=1000{cursor}")
            found.extend(page["items"])
            if not page["next_cursor"]:
                return found
            cursor = "&cursor=" + page["next_cursor"]

    def cancel(self, job: dict[str, Any]) -> dict[str, Any]:
        """End a job; what is scored stays."""
        return self._ask("POST", f"/v1/jobs/{job['id']}/cancel")

    def _ask(
        self, method: str, path: str, body: bytes | None = None, more: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The JSON object of a good answer, asked for until there is one, or no hope: all may be repeated."""
        began, pause = time.time(), 0.2
        while True:
            status, headers, text = self._ask_once(method, path, body, more or {})
            spent = time.time() - began
            if status is not None and 200 <= status < 300:
                return _json_object(text, self.url)
            busy = status in (429, 503)
            told = _header(headers, "retry-after") if busy else ""
            wait = float(told) if told.isdigit() else pause
            if status is not None and status < 500 and not busy:
                raise _refusal(status, text)
            if spent + wait > (self._busy if busy else self._away):
                if status is None:
                    raise CrozeError(f"no answer from {self.url}: {text.decode()}", "unreachable")
                raise _refusal(status, text)
            time.sleep(wait)
            pause = min(2 * pause, 5.0)

    def _ask_once(
        self, method: str, path: str, body: bytes | None, more: Mapping[str, str]
    ) -> tuple[int | None, Mapping[str, str], bytes]:
        """(status, headers, body); without an answer (None, {}, why)."""
        headers = {"User-Agent": "croze-client-lite/0.1.0", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = "Bearer " + self._key
        headers.update(more)
        request = Request(self.url + path, body, headers, method=method)  # noqa: S310 (the user's own URL)
        try:
            with self._opener.open(request, timeout=_LONG_POLL_S + 30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except HTTPError as error:
            try:
                return error.code, dict(error.headers), error.read()
            except (OSError, HTTPException) as broken:
                return None, {}, repr(broken).encode()
        except (OSError, HTTPException) as error:
            return None, {}, str(getattr(error, "reason", None) or repr(error)).encode()


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for each, value in headers.items() if each.lower() == name), "")


def _json_object(text: bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(text.decode("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CrozeError(
            f"{url} is not a CRoZe service: its answer is not the JSON object expected", "incompatible_server"
        )
    return found


def _refusal(status: int, text: bytes) -> CrozeError:
    try:
        problem = json.loads(text.decode("utf-8"))
        detail, code = problem["detail"], problem["code"]
    except (ValueError, KeyError, TypeError):
        return CrozeError(f"status {status}, and no word why; is that a CRoZe service?", f"http_{status}")
    return CrozeError(detail, code, problem)


def _first_value(item: dict[str, Any], failed: float) -> float:
    for score in item["scores"].values():
        return failed if score["value"] is None else score["value"]
    return failed


def _plain(value: Any) -> Any:
    """Numpy's numbers and arrays."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be written as JSON")
