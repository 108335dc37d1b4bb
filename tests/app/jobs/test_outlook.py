"""Position and ETA: estimates, and null rather than a guess."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.jobs.outlook import Prospect, prospect
from tests.app.driving import cells, seen, submitted, work
from workers.records import JobLoad, Outlook
from workers.store import Store


def load(job_id: str, **fields: Any) -> JobLoad:
    values: dict[str, Any] = {"priority": "normal", "left": 10, "open": 8, "computed": 0, "seconds": 0.0}
    return JobLoad(id=job_id, **values | fields)


NEEDS = frozenset({"task=1", "croze=1"})


def ahead(job_id: str, *loads: JobLoad, workers: int = 2, cost: float | None = 1.0) -> Prospect:
    return prospect(job_id, NEEDS, Outlook(workers=workers, cost=cost, releases=(NEEDS,), jobs=loads))


def served(position: int, eta_seconds: float | None) -> Prospect:
    return Prospect(position, eta_seconds, served=True)


def test_a_job_alone_needs_its_items_times_their_cost_over_the_workers() -> None:
    assert ahead("a", load("a")) == served(0, 5.0)
    assert ahead("a", load("a", computed=4, seconds=2.0)) == served(0, 2.5)


def test_jobs_take_turns() -> None:
    big, small = load("big", left=1000, open=990), load("small")
    assert ahead("small", big, small) == served(990, 10.0)
    assert ahead("big", big, small) == served(0, 505.0)


def test_urgent_jobs_come_first() -> None:
    normal, urgent = load("normal", left=100, open=100), load("urgent", priority="urgent")
    assert ahead("urgent", normal, urgent) == served(0, 5.0)
    assert ahead("normal", normal, urgent) == served(8, 55.0)


@pytest.mark.parametrize("unknown", [{"workers": 0}, {"cost": None}])
def test_what_is_not_known_is_null(unknown: dict[str, Any]) -> None:
    assert ahead("a", load("a"), **unknown) == served(0, None)


def test_among_too_many_jobs_none_has_a_position() -> None:
    assert ahead("a", load("b")) == Prospect(served=True)


def test_what_no_worker_can_score_has_no_eta() -> None:
    outlook = Outlook(workers=2, cost=1.0, releases=(NEEDS - {"croze=1"},), jobs=(load("a"),))
    assert prospect("a", NEEDS, outlook) == Prospect(position=0, eta_seconds=None, served=False)


def test_over_http(api: httpx.Client, store: Store) -> None:
    first = submitted(api, architectures=cells(6))
    second = submitted(api, architectures=cells(4), seed=1)
    assert (first["position"], first["eta_seconds"]) == (0, None)
    assert (second["position"], second["eta_seconds"]) == (6, None)
    seen(store)
    work(store, first["id"], limit=2)
    # 0.25 s an item: four of its own, and as much of the other's.
    assert api.get(second["links"]["self"]).json()["eta_seconds"] == 2.0
    assert api.get(second["links"]["self"]).json()["position"] == 4
    work(store, first["id"])
    ended = api.get(first["links"]["self"]).json()
    assert (ended["position"], ended["eta_seconds"], ended["served"]) == (None, None, None)
