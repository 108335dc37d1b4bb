"""Whether a submission is welcome now, found out before any of its genotypes is read: reading 20,000 takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidRequest
from proxy.errors import Fault
from workers.records import Limits

if TYPE_CHECKING:
    from app.auth import Caller
    from app.settings import Settings
    from workers.store import Store


def check_room(items: int, caller: Caller, store: Store, settings: Settings) -> None:
    """Count that many items against the caller's allowance. Whether the queue has room for them is decided when the
    job is created, in the same step, and by those that are not known yet.

    Raises:
        InvalidRequest: so many will never be taken at once.
        RateLimited: the allowance is used up for now.
        StoreFull: Redis keeps what room it has for results.
    """
    most = settings.max_open_items
    if caller.name is not None:
        most = min(most, settings.max_open_items_per_key, settings.items_per_minute)
    if items > most:
        raise InvalidRequest.of(
            Fault("architectures", f"a list of {items} is not allowed", f"allowed here: at most {most}; split the job")
        )
    store.check_memory()
    _take(items, caller, store, settings)


def check_allowance(items: int, caller: Caller, store: Store, settings: Settings) -> None:
    """The same for genotypes that are only looked at: they cost what reading costs, and nothing is kept.

    Raises:
        InvalidRequest: so many will never be taken at once.
        RateLimited: the allowance is used up for now.
    """
    if caller.name is not None and items > settings.items_per_minute:
        problem, most = f"a list of {items} is not allowed", settings.items_per_minute
        raise InvalidRequest.of(Fault("architectures", problem, f"allowed here: at most {most}; split the request"))
    _take(items, caller, store, settings)


def _take(items: int, caller: Caller, store: Store, settings: Settings) -> None:
    if caller.name is not None:
        store.rates.take("items", caller.name, items, settings.items_per_minute)


def limits(settings: Settings) -> Limits:
    """What the queue is held to."""
    return Limits(open_items=settings.max_open_items, open_items_per_name=settings.max_open_items_per_key)
