"""How fast clients ask: an allowance per minute and owner that refills steadily.

One rule for one and for many: a request for `n` uses up as much as `n` requests for one.
"""

from __future__ import annotations

import math
from typing import Final

from workers import keys
from workers.errors import RateLimited, StoreFull
from workers.records import Rate
from workers.store.scripts import Script
from workers.store.wire import Wire

#: As in `take.lua`.
WINDOW_S: Final = 60


class Rates:
    """By Redis' clock, each question one script: two simultaneous requests cannot both have the last one."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def take(self, kind: str, owner: str, amount: int, per_minute: int) -> Rate | None:
        """Use up `amount` of an owner's allowance. None: Redis is too full to count; what it holds can be read still.

        Raises:
            RateLimited: so many are not left. Nothing was used up.
        """
        try:
            wait, whole_in = map(float, self._wire.script(Script.TAKE, [keys.rate(kind, owner)], [amount, per_minute]))
        except StoreFull:
            return None
        left = math.floor((WINDOW_S - whole_in) * per_minute / WINDOW_S)
        rate = Rate(kind=kind, per_minute=per_minute, left=max(0, left), whole_in=whole_in)
        if wait > 0:
            raise RateLimited(
                f"{owner!r} may have {per_minute} {kind} a minute, and {amount} now would be more than that; "
                f"ask again in {math.ceil(wait)} s",
                retry_after=wait,
                rate=rate,
            )
        return rate
