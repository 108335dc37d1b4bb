"""Ending in good order: SIGTERM or Ctrl-C asks for it, and everything that takes time looks here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rq.exceptions import StopRequested


class Drain:
    """Whether this process is to end, and whether it is late with it.

    Plain attributes and no `threading.Event`: a signal handler runs in the middle of anything, and would wait for
    ever for a lock that the code it interrupted holds.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._deadline: float | None = None
        self._interruptible = False

    @property
    def requested(self) -> bool:
        """Nothing new is to be started."""
        return self._deadline is not None

    @property
    def overdue(self) -> bool:
        """What is in hand is to be handed back."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def request(self) -> None:
        """Ask for the end: the work in hand has `grace` seconds to finish. Asked again, it has none."""
        self._deadline = time.monotonic() + (0.0 if self.requested else self._grace)

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        """A signal handler."""
        self.request()
        if self._interruptible:
            raise StopRequested

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, a signal raises `StopRequested`: for waits that would not look here by themselves."""
        self._interruptible = True
        try:
            if self.requested:
                raise StopRequested
            yield
        finally:
            self._interruptible = False
