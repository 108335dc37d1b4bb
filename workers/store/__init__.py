"""Our records in Redis: the only modules that send commands about them.

    store.jobs      what was asked, who is at it, how it ended     jobs.py, and its parts that it lists
    store.scores    scores by address                              scores.py
    store.batches   batches by digest                              batches.py
    store.fleet     workers and environments                       fleet.py
    store.api_keys  who may come in                                api_keys.py
    store.deliveries  webhooks that are told of ends               deliveries.py
    store.rates     how fast they ask                              rates.py
    store.figures() all that the metrics show                      figures.py

Synchronous, and safe to share between threads. Nothing is sent before the first call. Keys: `workers/keys.py`.
"""

from __future__ import annotations

import redis

from workers import keys
from workers.errors import SchemaMismatch
from workers.figures import Figures
from workers.settings import StoreSettings
from workers.store import figures
from workers.store.admission import check_memory
from workers.store.api_keys import ApiKeys
from workers.store.batches import Batches
from workers.store.deliveries import Deliveries
from workers.store.fleet import Fleet
from workers.store.jobs import Jobs
from workers.store.rates import Rates
from workers.store.scores import Scores
from workers.store.wire import Wire


class Store:
    """All of it, over one client. Every method of every part raises only `StoreError`s."""

    def __init__(self, connection: redis.Redis, settings: StoreSettings | None = None) -> None:
        self._wire = Wire(connection)
        chosen = settings or StoreSettings()
        self.jobs = Jobs(self._wire, chosen)
        self.scores = Scores(self._wire, chosen)
        self.batches = Batches(self._wire, chosen)
        self.fleet = Fleet(self._wire)
        self.api_keys = ApiKeys(self._wire)
        self.rates = Rates(self._wire)
        self.deliveries = Deliveries(self._wire)

    def figures(self) -> Figures:
        """What there is to do, what was done so far, and who is at it, at one moment."""
        return figures.read(self._wire)

    def check_memory(self) -> None:
        """Make sure that there is room for more than the results of what was accepted.

        Raises:
            StoreUnavailable: Redis is away.
            StoreFull: there is not.
        """
        check_memory(self._wire)

    def check_writable(self) -> None:
        """Make sure that Redis can be written to, and holds records that this release reads.

        Raises:
            StoreUnavailable, StoreFull: it cannot be written to now.
            SchemaMismatch: it belongs to a newer release.
        """
        found: bytes
        _, found = self._wire.transaction(("SET", keys.SCHEMA_KEY, keys.SCHEMA, "NX"), ("GET", keys.SCHEMA_KEY))
        if int(found) > keys.SCHEMA:
            raise SchemaMismatch(
                f"{self._wire.server} holds records of schema {int(found)}, and this release knows schemas up to "
                f"{keys.SCHEMA}; use the newer release, or another database"
            )


__all__ = ["Store"]
