"""A job's items as they finish, in two forms: lines of JSON, and Server-Sent Events that can be resumed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from app.jobs.headers import END
from app.jobs.views import job_json
from workers.records import TERMINAL_JOB

if TYPE_CHECKING:
    from app.jobs.outlook import Prospect
    from proxy.json_types import JsonObject
    from workers.records import Job

#: Seconds of silence after which a comment is sent: proxies between us and the client drop silent connections.
HEARTBEAT: Final = 10.0
#: Milliseconds after which a client that lost the connection comes again.
_COME_AGAIN: Final = 2000


def lines(job: Job, items: list[JsonObject], _: int) -> str:
    """NDJSON: every item on a line of its own."""
    return "".join(f"{_json(item)}\n" for item in items)


class Events:
    """The events of one stream, rendered look by look.

    `job` says the job's state: at the beginning of the stream, whenever it has changed, and its end when all items
    have been sent. `item` is an item that has ended. An event's id is the number of items that have been sent with it;
    that of the last event is "end".
    """

    def __init__(self, shown_id: str, seen: int, ahead: Callable[[Job], Prospect]) -> None:
        """
        Args:
            shown_id: the id by which the caller asks for the job.
            seen: how many items the client has already.
            ahead: says what the job has before it.
        """
        self._shown_id = shown_id
        self._seen = seen
        self._ahead = ahead
        self._status: str | None = None
        self._spoke_at = time.monotonic()

    def __call__(self, job: Job, items: list[JsonObject], total: int) -> str:
        text = "" if self._status is not None else f"retry: {_COME_AGAIN}\n\n"
        ended = job.status in TERMINAL_JOB
        # An end is said only when there is nothing more to be sent.
        if job.status != self._status and not ended:
            text += self._event("job", str(self._seen), self._job(job))
        self._status = job.status
        for number, item in enumerate(items, start=total - len(items) + 1):
            text += self._event("item", str(number), item)
        self._seen = total
        if ended and not items:
            text += self._event("job", END, self._job(job))
        if text:
            self._spoke_at = time.monotonic()
        elif time.monotonic() - self._spoke_at > HEARTBEAT:
            self._spoke_at = time.monotonic()
            text = ": still here\n\n"
        return text

    def _job(self, job: Job) -> JsonObject:
        return job_json(job, self._shown_id, self._ahead(job))

    def _event(self, name: str, event_id: str, data: JsonObject) -> str:
        return f"event: {name}\nid: {event_id}\ndata: {_json(data)}\n\n"


def _json(data: JsonObject) -> str:
    return json.dumps(data, allow_nan=False)
