"""Asking again: for how long, how often, and what for. Every request of this client may be sent twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from croze_client.answers import json_object
from croze_client.errors import ServiceUnreachable, api_error
from croze_client.steps import Ask, Lost, Plan, Reply, ask_once, pause

#: A mistake of the service is seldom one that goes away.
_MISTAKE_TRIES: Final = 3
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
#: Answers of whatever stands between us and a service that is away.
_AWAY: Final = frozenset({408, 425, 502, 504})
_BUSY: Final = frozenset({429, 503})


@dataclass(slots=True, kw_only=True)
class Patience:
    """For how long the same thing is asked again."""

    first: float = 10.0
    """Seconds, while the service has never answered: it may be about to start."""
    away: float = 60.0
    """Seconds, if it was there and does not answer: it restarts."""
    busy: float = 600.0
    """Seconds, if it answers that it has no room (429, 503)."""
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    was_there: bool = field(default=False, init=False, repr=False)

    def for_silence(self) -> float:
        """Seconds for which no answer is borne."""
        return self.away if self.was_there else self.first


def pauses(first: float = _FIRST_PAUSE_S) -> Iterator[float]:
    """Seconds to wait before each next try: longer and longer, and not all clients at once."""
    while True:
        yield first * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
        first = min(first * 2, _LONGEST_PAUSE_S)


def ask(request: Ask, patience: Patience) -> Plan[Reply]:
    """A good answer to a request, which is sent again as long as there is hope.

    Raises:
        ApiError: the service's answer is a problem that asking again does not solve, or has not solved.
        ServiceUnreachable: nobody answers.
    """
    began = patience.clock()
    waits, mistakes = pauses(), 0
    while True:
        outcome = yield from ask_once(request)
        spent = patience.clock() - began
        if isinstance(outcome, Lost):
            if spent > patience.for_silence():
                raise ServiceUnreachable(f"no answer: {outcome.why}", "is the service running? `croze up` starts one")
            yield from pause(next(waits))
            continue
        if 200 <= outcome.status < 300:
            patience.was_there = True
            return outcome
        mistakes += outcome.status == 500
        wait = _time_to_wait(outcome, patience, spent, mistakes, next(waits))
        if wait is None:
            raise api_error(outcome.status, json_object(outcome.body) or {}, _strange(outcome, request))
        yield from pause(wait)


def _time_to_wait(reply: Reply, patience: Patience, spent: float, mistakes: int, usual: float) -> float | None:
    """Seconds before the next try; None if another one is of no use, or would come too late."""
    if reply.status in _BUSY:
        told = reply.headers.get("retry-after", "")
        wait = float(told) if told.isdecimal() and len(told) < 7 else usual
        return wait if spent + wait <= patience.busy else None
    if reply.status in _AWAY:
        return usual if spent <= patience.for_silence() else None
    return usual if reply.status >= 500 and mistakes < _MISTAKE_TRIES and spent <= patience.away else None


def _strange(reply: Reply, request: Ask) -> str:
    """What to say of an answer that is no problem document."""
    return f"{request.method} {request.path} is answered with status {reply.status}; is that a CRoZe service?"
