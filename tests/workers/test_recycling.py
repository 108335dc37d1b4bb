"""When an engine is worn: by number, by growth, and by too little room below its limit."""

from __future__ import annotations

import time

import pytest
from pydantic import ByteSize

from workers.recycling import Wear
from workers.settings import WorkerSettings

MIB = 2**20
FRESH = 300 * MIB
SETTINGS = WorkerSettings(engine_max_items=1000, engine_growth=3.0, engine_memory=ByteSize(8192 * MIB))


def worn(items: int, held: int | None, *, settings: WorkerSettings = SETTINGS, fresh: int | None = FRESH) -> str | None:
    """Why an engine of that history is replaced."""
    wear = Wear(settings, fresh)
    for _ in range(items):
        wear.count_item()
    return wear.reason_to_replace(held)


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines are two minutes old when they are looked at."""
    clock = iter(range(0, 100_000, 120))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))


@pytest.mark.usefixtures("old")
def test_an_engine_that_neither_did_much_nor_grew_stays() -> None:
    assert worn(999, 3 * FRESH) is None


def test_items_are_counted() -> None:
    assert worn(1000, FRESH) == "it has had 1000 items"


@pytest.mark.usefixtures("old")
def test_growth_is_seen() -> None:
    assert worn(1, 3 * FRESH + MIB) == "it has grown from 300 to 901 MiB"


def test_a_young_engine_may_grow() -> None:
    assert worn(1, 3 * FRESH + MIB) is None


def test_half_of_the_room_below_the_limit_is_for_the_next_item() -> None:
    assert worn(1, FRESH + 3946 * MIB) is None
    assert worn(1, FRESH + 3947 * MIB) == "it has grown from 300 to 4247 MiB"


def test_an_engine_that_has_done_nothing_is_not_replaced_for_its_size() -> None:
    tight = SETTINGS.model_copy(update={"engine_memory": ByteSize(FRESH)})
    assert worn(0, 2 * FRESH, settings=tight) is None


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize(("held", "fresh"), [(None, FRESH), (100 * FRESH, None), (None, None)])
def test_what_is_not_known_is_no_reason(held: int | None, fresh: int | None) -> None:
    assert worn(999, held, fresh=fresh) is None
    assert worn(1000, held, fresh=fresh) is not None
