"""Whether there is room for a job. `_admission.lua` decides, in the step that creates it; here is what it is told, and
what its refusals mean.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from workers.errors import QueueFull, QuotaExceeded, StoreError, StoreFull
from workers.records import Limits
from workers.store.wire import Wire

#: For whoever submits for itself: tests and benchmarks. Memory is looked at all the same.
NO_LIMITS: Final = Limits(open_items=2**50, open_items_per_name=2**50)

#: Of Redis' memory limit: above it no job is accepted, so that the results of those that were have room.
MEMORY_SHARE: Final = 0.8
#: What one open item will add: its outcome and its score in the cache are about 1.6 kB for one proxy.
RESULT_BYTES: Final = 2048
#: Seconds until it may be worth trying again: workers do two items a second and more, each.
RETRY_AFTER_S: Final = 10.0


def limits_to_json(limits: Limits) -> str:
    """As `create.lua` takes them."""
    return json.dumps(asdict(limits) | {"memory_share": MEMORY_SHARE, "result_bytes": RESULT_BYTES})


def refusal(reply: list[Any], owner: str | None, items: int, limits: Limits) -> StoreError:
    """The error for a list that `create.lua` returned."""
    match reply:
        case [b"queue_full", open_items]:
            return QueueFull(
                f"{open_items} items wait or are worked on, and at most {limits.open_items} may; {items} more have no "
                f"room now; submit again later, or fewer at a time",
                RETRY_AFTER_S,
            )
        case [b"quota_exceeded", open_items]:
            return QuotaExceeded(
                f"{owner!r} has {open_items} items that wait or are worked on, and may have at most "
                f"{limits.open_items_per_name}; {items} more have no room now; submit again later, or fewer at a time",
                RETRY_AFTER_S,
            )
        case [b"store_full", used, most]:
            return store_full(used, most)
    raise AssertionError(f"create.lua gave an unknown reason: {reply}")


def check_memory(wire: Wire) -> None:
    """Refuse early what `create.lua` would refuse in the end, before anybody works for it.

    Raises:
        StoreFull: Redis uses more than `MEMORY_SHARE` of its memory limit.
    """
    info: dict[str, Any] = wire.command("INFO", "memory")
    used, most = int(info["used_memory"]), int(info.get("maxmemory", 0))
    if most and used > MEMORY_SHARE * most:
        raise store_full(used, most)


def store_full(used: int, most: int) -> StoreFull:
    """The refusal of what would leave no room for results."""
    return StoreFull(
        f"Redis uses {used / 2**20:.0f} of {most / 2**20:.0f} MiB, and the rest is kept for the results of jobs that "
        f"were accepted; raise maxmemory, or wait until jobs expire"
    )
