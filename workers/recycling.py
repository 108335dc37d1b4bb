"""When an engine has done enough: memory that native code never gives back is given back by the process's end."""

from __future__ import annotations

import time
from typing import Final

from workers.settings import WorkerSettings

#: A fresh engine takes two seconds: once a minute costs three percent at most.
_YOUNG_S: Final = 60.0
#: The share of the room between a fresh engine and its limit that may be filled between two items.
_FILLED: Final = 0.5


class Wear:
    """What one engine has done, and what it has grown to."""

    def __init__(self, settings: WorkerSettings, fresh_bytes: int | None = None) -> None:
        """`fresh_bytes` is what it held when it was ready; None if that is not known."""
        self._settings = settings
        self._fresh_bytes = fresh_bytes
        self._started = time.monotonic()
        self._items = 0

    def count_item(self) -> None:
        """It has been given one more item."""
        self._items += 1

    def reason_to_replace(self, held_bytes: int | None) -> str | None:
        """Why it should be replaced, given the bytes that it holds now; None if there is no need."""
        if self._items >= self._settings.engine_max_items:
            return f"it has had {self._items} items"
        if held_bytes is None or self._fresh_bytes is None or not self._items:
            return None
        grown = f"it has grown from {self._fresh_bytes / 2**20:.0f} to {held_bytes / 2**20:.0f} MiB"
        # What one item left behind must not be charged to the next.
        if held_bytes - self._fresh_bytes > _FILLED * max(0, self._settings.engine_memory - self._fresh_bytes):
            return grown
        if held_bytes > self._settings.engine_growth * self._fresh_bytes and self._age >= _YOUNG_S:
            return grown
        return None

    @property
    def _age(self) -> float:
        return time.monotonic() - self._started
