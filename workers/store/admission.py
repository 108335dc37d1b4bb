"""Whether there is room for a job. `_admission.lua` decides, in the step that creates it; here is what it is told, and
what its refusals mean.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from workers import keys
from workers.errors import QueueFull, QuotaExceeded, StoreError, StoreFull
from workers.records import ItemSpec, JobSpec, Limits
from workers.store.wire import Wire

#: For whoever submits for itself: tests and benchmarks. Memory is looked at all the same.
NO_LIMITS: Final = Limits(open_items=2**50, open_items_per_name=2**50)

#: Of Redis' memory limit: above it no job is accepted, so that the results of those that were have room.
MEMORY_SHARE: Final = 0.8
#: Above it, remembered scores give way: long before jobs are refused.
CACHE_SHARE: Final = 0.7
#: What an item adds when it ends. Measured with all proxies and 16 seeds on NAS-Bench-201, each part is at most three
#: quarters of this. By itself:
ITEM_BYTES: Final = 512
#: for each proxy, in its outcome and its ranks:
OUTCOME_BYTES: Final = 640
#: for each proxy and seed, in the cache of scores and in the outcome:
SCORE_BYTES: Final = 896
#: and if it wants a table of layers, for each proxy, each cell of the network, and each character of the architecture:
#: measured at most 55, where an operation is as short as `nor_conv_3x3` and its cell in each of three stages.
TABLE_BYTES: Final = 64
#: Settings that say how many cells there are.
_CELLS: Final = ("cells", "layers")
#: Seconds until it may be worth trying again: workers do two items a second and more, each.
RETRY_AFTER_S: Final = 10.0


def result_bytes(job: JobSpec, items: Sequence[ItemSpec]) -> int:
    """Bytes of Redis' memory that the results of one of these items of a job take, at most."""
    scores = sum(len(task.proxies) for task in job.tasks(""))
    outcome = OUTCOME_BYTES
    if job.layers:
        cells = max(job.settings.get(name, 1) for name in _CELLS)
        outcome += TABLE_BYTES * cells * max(len(item.architecture) for item in items)
    return ITEM_BYTES + len(job.proxies) * outcome + scores * SCORE_BYTES


def limits_to_json(limits: Limits, result: int) -> str:
    """As `create.lua` takes them; `result` is `result_bytes`."""
    return json.dumps(asdict(limits) | {"memory_share": MEMORY_SHARE, "result_bytes": result})


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
        case [b"store_full", used, most, owed, asked]:
            return store_full(used, most, owed, asked)
    raise AssertionError(f"create.lua gave an unknown reason: {reply}")


def check_memory(wire: Wire) -> None:
    """Refuse early what `create.lua` would refuse in the end, before anybody works for it.

    Raises:
        StoreFull: Redis uses more than `MEMORY_SHARE` of its memory limit, or all but what results will take.
    """
    used, most = memory(wire)
    owed = int(wire.command("HGET", keys.OPEN_ITEMS, keys.OPEN_BYTES) or 0)
    if most and (used > MEMORY_SHARE * most or used + owed > most):
        raise store_full(used, most, owed, 0)


def memory(wire: Wire) -> tuple[int, int]:
    """Bytes that Redis uses, and that it may use; 0: as many as there are."""
    info: dict[str, Any] = wire.command("INFO", "memory")
    return int(info["used_memory"]), int(info.get("maxmemory", 0))


def store_full(used: int, most: int, owed: int, asked: int) -> StoreFull:
    """The refusal of what would leave no room for results: `owed` bytes of those accepted, `asked` of the new job."""
    own = f", and those of this one up to {_mib(asked)}" if asked else ""
    return StoreFull(
        f"Redis uses {_mib(used)} of {_mib(most)}, and the rest is kept for the results of jobs that were accepted: "
        f"they take up to {_mib(owed)}{own}; raise maxmemory, wait until jobs end or expire, or ask for fewer "
        f"architectures, proxies or seeds at a time"
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
