"""What the parts of `store.jobs` share."""

from __future__ import annotations

from workers.enqueue import Doorbell
from workers.settings import StoreSettings
from workers.store.wire import Wire


class JobPart:
    """Some of what can be done with jobs. Every method is one step for all others, and raises only `StoreError`s."""

    def __init__(self, wire: Wire, settings: StoreSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._doorbell = Doorbell(wire.connection)
