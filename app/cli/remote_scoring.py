"""`croze score --url`: the same request as jobs of a running service."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import httpx

from app.cli.errors import CommandError, UsageError
from app.cli.scoring_request import Accepted, ScoringRequest
from app.cli.service_client import KEY_HINT, connected, json_of
from proxy.json_types import JsonObject

#: The service's own limit on the architectures of one job.
MAX_JOB: Final = 20_000
#: Bytes of genotypes in one job: well under the service's default body limit of 32 MiB.
MAX_JOB_BYTES: Final = 8 * 2**20
#: How long a service that was there may be away (a restart, a suspended laptop) before we give up.
PATIENCE_S: Final = 60.0
_RETRY_S: Final = 1.0
#: How long a service that is there may be busy: full, or away from its Redis.
BUSY_PATIENCE_S: Final = 600.0
_BUSY: Final = (429, 503)
_POSITION: Final = re.compile(r"architectures\[(\d+)\](\.architecture)?")
_ENDED: Final = ("scored", "failed", "canceled")


class RemoteScoring:
    """A request to the service at `url`."""

    def __init__(self, request: ScoringRequest, url: str, key: str | None = None) -> None:
        """`key` as for `connected`."""
        self._request = request
        self._key = key
        self._url = url.rstrip("/")

    def items(self) -> Generator[JsonObject]:
        """Every item, as it finishes. Left early, the job at work is canceled.

        Raises:
            UsageError: the service refuses the request.
            CommandError: it cannot be reached, or its answer is no answer of ours.
        """
        with connected(self._url, self._key) as client:
            batch = self._batch(client)
            for start, part in self._jobs():
                yield from self._score(client, batch, start, part)

    def _jobs(self) -> Iterator[tuple[int, list[Accepted]]]:
        """(position of the first, entries) of each job."""
        if self._request.options.dedupe == "identical":
            return _parts(self._request.entries)
        parts = [*_parts(self._request.entries)]
        if len(parts) > 1:
            raise UsageError(
                f"{len(self._request.entries)} architectures are {len(parts)} jobs, and --dedupe isomorphic looks at "
                f"one: at most {MAX_JOB}, and {MAX_JOB_BYTES >> 20} MiB together",
                ["score them in several runs, or here with --local"],
            )
        return iter(parts)

    def _batch(self, client: httpx.Client) -> str:
        """What the service calls the batch. A file is uploaded, and then named by its digest."""
        options = self._request.options
        if options.batch_file is None:
            return options.batch
        content = options.batch_file.read_bytes()
        answer = _post(
            client,
            "/v1/batches",
            params={"name": options.batch_file.stem},
            content=content,
            headers={"Content-Type": "application/octet-stream"},
        )
        return str(self._accepted(answer)["digest"])

    def _score(self, client: httpx.Client, batch: str, start: int, part: list[Accepted]) -> Iterator[JsonObject]:
        job = self._accepted(_post(client, "/v1/jobs", json=self._body(batch, part)), start)
        missing = set(range(len(part)))
        try:
            for item in _until_all(client, str(job["links"]["scores"]), missing):
                index = item["index"]
                assert isinstance(index, int), "an item has an index"
                yield {**item, "index": start + index}
        finally:
            if missing:  # interrupted, or given up
                _cancel(client, str(job["links"]["cancel"]))

    def _body(self, batch: str, part: list[Accepted]) -> dict[str, Any]:
        options = self._request.options
        return {
            "space": self._request.space.name,
            "settings": dict(options.settings),
            "architectures": [
                {"architecture": entry.value, "format": entry.format, **({"id": entry.id} if entry.id else {})}
                for entry in part
            ],
            "proxies": list(options.proxies),
            # A service of an earlier release knows no other.
            **({"seed": options.seeds[0]} if len(options.seeds) == 1 else {"seeds": list(options.seeds)}),
            "batch": batch,
            "precision": options.precision,
            "layers": options.layers,
            **({} if options.dedupe == "identical" else {"dedupe": options.dedupe}),
        }

    def _accepted(self, answer: httpx.Response, start: int = 0) -> dict[str, Any]:
        """The body of a good answer; a refusal in the user's own terms: lines instead of positions."""
        body = json_of(answer)
        if answer.is_success:
            return body
        details = [self._located(f"{f['at']}: {f['problem']}; {f['repair']}", start) for f in body.get("faults", ())]
        message = self._located(str(body.get("detail") or f"{answer.status_code} {answer.reason_phrase}"), start)
        if answer.status_code in (401, 403):
            raise CommandError(f"{self._url} lets nobody in without its key: {message}", [KEY_HINT])
        if answer.is_client_error and answer.status_code not in _BUSY:
            raise UsageError(f"{self._url} refuses this: {message}", details if len(details) > 1 else ())
        raise CommandError(f"{self._url} cannot do this now: {message}", details)

    def _located(self, text: str, start: int) -> str:
        def where(match: re.Match[str]) -> str:
            index = start + int(match[1])
            return self._request.entries[index].where if index < len(self._request.entries) else match[0]

        return _POSITION.sub(where, text).replace("settings.", "--")


def _post(client: httpx.Client, path: str, **what: Any) -> httpx.Response:
    """The answer to a POST, sent again for as long as the service is only busy. Sent twice, a job is made once."""
    headers = {**what.pop("headers", {}), "Idempotency-Key": uuid4().hex}
    give_up = time.monotonic() + BUSY_PATIENCE_S
    while True:
        answer = client.post(path, headers=headers, **what)
        wait = answer.headers.get("Retry-After", "")
        if answer.status_code not in _BUSY or not wait.isdecimal() or time.monotonic() + int(wait) > give_up:
            return answer
        time.sleep(int(wait))


def _parts(entries: Sequence[Accepted]) -> Iterator[tuple[int, list[Accepted]]]:
    """(position of the first, entries) of each job."""
    part: list[Accepted] = []
    start = size = 0
    for entry in entries:
        entry_bytes = len(json.dumps(entry.value)) + len(entry.id or "") + 100
        if part and (len(part) == MAX_JOB or size + entry_bytes > MAX_JOB_BYTES):
            yield start, part
            start, size, part = start + len(part), 0, []
        part.append(entry)
        size += entry_bytes
    if part:
        yield start, part


def _until_all(client: httpx.Client, path: str, missing: set[int]) -> Iterator[JsonObject]:
    """Stream finished items until none is missing, reconnecting when the stream breaks."""
    give_up = time.monotonic() + PATIENCE_S
    while missing:
        try:
            for item in _stream(client, path):
                if item["index"] in missing and item["status"] in _ENDED:
                    missing.discard(item["index"])
                    yield item
                    give_up = time.monotonic() + PATIENCE_S
        except httpx.ReadTimeout:
            give_up = time.monotonic() + PATIENCE_S  # connected but silent: a slow item
        except httpx.TransportError:
            if time.monotonic() > give_up:
                raise
        if missing:
            time.sleep(_RETRY_S)


def _stream(client: httpx.Client, path: str) -> Iterator[dict[str, Any]]:
    with client.stream("GET", path, headers={"Accept": "application/x-ndjson"}) as answer:
        if answer.status_code in (429, 502, 503, 504):
            raise httpx.RemoteProtocolError(f"{answer.status_code} {answer.reason_phrase}")
        if not answer.is_success:
            answer.read()
            raise CommandError(f"the job's scores are gone: {json_of(answer).get('detail', answer.status_code)}")
        for line in answer.iter_lines():
            if line:
                yield json.loads(line)


def _cancel(client: httpx.Client, path: str) -> None:
    """Best effort: the service may be what failed."""
    with suppress(httpx.HTTPError):
        client.post(path, timeout=5.0)
