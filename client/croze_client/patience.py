"""Asking again: for how long, how often, and what for. Every request of this client may be sent twice."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from croze_client.answers import json_object
from croze_client.errors import CrozeError, ServiceUnreachable, api_error
from croze_client.steps import Ask, Lost, Plan, Reply, ask_once, pause

#: A mistake of the service is seldom one that goes away.
_MISTAKE_TRIES: Final = 3
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
#: Answers of whatever stands between us and a service that is away.
_AWAY: Final = frozenset({408, 425, 502, 504})
_BUSY: Final = frozenset({429, 503})


class TooLate(Exception):
    """The deadline has passed. The cause is what stood in the way."""


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


def ask(request: Ask, patience: Patience, deadline: float = math.inf) -> Plan[Reply]:
    """A good answer to a request, which is sent again as long as there is hope.

    Args:
        deadline: by the patience's clock: after it nothing is sent again.

    Raises:
        ApiError: the service's answer is a problem that asking again does not solve, or has not solved.
        ServiceUnreachable: nobody answers.
        TooLate: one of these might still pass, but not before the deadline.
    """
    began = patience.clock()
    waits, mistakes = pauses(), 0
    while True:
        outcome = yield from ask_once(request)
        spent, usual = patience.clock() - began, next(waits)
        error: CrozeError
        if isinstance(outcome, Lost):
            error = ServiceUnreachable(f"no answer: {outcome.why}", "is the service running? `croze up` starts one")
            wait = usual if spent <= patience.for_silence() else None
        elif 200 <= outcome.status < 300:
            patience.was_there = True
            return outcome
        else:
            mistakes += outcome.status == 500
            error = api_error(outcome.status, json_object(outcome.body) or {}, _strange(outcome, request))
            wait = _time_to_wait(outcome, patience, spent, mistakes, usual)
        if wait is None:
            raise error
        left = max(0.0, deadline - patience.clock())
        yield from pause(min(wait, left))
        if wait > left:
            raise TooLate from error


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
