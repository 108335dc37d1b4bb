"""What the metrics show of Redis: how much there is to do, what was done so far, and who is at it.

The scripts that change a job count in the same step (`_figures.lua`), so that nothing is counted twice or forgotten,
whoever is killed when. Here it is read, and here is what the scripts are given to count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from proxy.json_types import JsonObject
from workers import keys
from workers.figures import Figures, Histogram
from workers.keys import JobKeys
from workers.records import ItemOutcome, SeenWorker
from workers.store import codec
from workers.store.scripts import Script
from workers.store.wire import Part, Wire

#: Names of the histograms in the hash.
_QUEUE: Final = "queue"
_COMPUTE: Final = "compute"


def read(wire: Wire) -> Figures:
    """Everything at one moment, by one script."""
    now, bounds, pairs, queue, workers, deliveries, needed, releases = wire.script(
        Script.FIGURES,
        [keys.FIGURES, keys.UNFINISHED, keys.WORKERS, keys.DELIVERIES, keys.RELEASES],
        [JobKeys.of("").job, keys.worker(""), keys.WORKER_S],
    )
    queued, running, open_items, leased, oldest = queue
    fields: dict[str, float] = {name.decode(): float(value) for name, value in _pairs(pairs)}
    seen = [_seen(float(now), float(beat), record) for beat, record in _pairs(workers)]
    return Figures(
        jobs_queued=queued,
        jobs_running=running,
        items_open=open_items,
        items_leased=leased,
        items_unserved=_unserved(needed, releases),
        oldest_open_seconds=max(0.0, float(now) - float(oldest)) if oldest else 0.0,
        jobs={"created": 0, "completed": 0, "canceled": 0} | _counter(fields, "jobs"),
        items=_items(fields),
        scores={"cache": 0, "computed": 0} | _counter(fields, "scores"),
        engine_deaths=int(fields.get("engine_deaths", 0)),
        deliveries_waiting=deliveries,
        deliveries={"delivered": 0, "failed": 0, "given_up": 0} | _counter(fields, "webhooks"),
        lease_expiries=int(fields.get("lease_expiries", 0)),
        queue=_histogram(fields, _QUEUE, bounds),
        compute=_histogram(fields, _COMPUTE, bounds),
        workers=tuple(sorted(seen, key=lambda each: each.record.id)),
    )


def of_known(known: Mapping[int, ItemOutcome]) -> list[Part]:
    """What `create.lua` counts of items that were known when their job was created."""
    codes = Counter(failure_code(outcome) for outcome in known.values() if outcome.status == "failed")
    scores = (score for outcome in known.values() for score in outcome.scores.values())
    # All of them were known, whatever they say of themselves.
    count = sum(sum(_cached_and_computed(score)) for score in scores)
    return [count, *(part for pair in codes.items() for part in pair)]


def of_outcome(outcome: ItemOutcome) -> list[Part]:
    """What `record.lua` counts of an item: failure's code, scores from the cache, computed ones, seconds of these."""
    counts = [_cached_and_computed(score) for score in outcome.scores.values()]
    seconds = sum(float(str(score["seconds"])) for score in outcome.scores.values() if not score["cached"])
    return [failure_code(outcome), sum(cached for cached, _ in counts), sum(new for _, new in counts), f"{seconds:.6f}"]


def _cached_and_computed(score: JsonObject) -> tuple[int, int]:
    """How many scores it is made of that were known before, and how many that were computed for it."""
    spread: Any = score.get("spread")
    if spread is None:
        return (1, 0) if score["cached"] else (0, 1)
    cached: int = spread["cached"]
    return cached, len(spread["seeds"]) - cached


def failure_code(outcome: ItemOutcome) -> str:
    """Why the item has failed: its own code, else that of the first proxy that has no value. "" if it was scored."""
    if outcome.status == "scored":
        return ""
    if outcome.error is not None:
        return outcome.error["code"]
    errors = (score["error"] for score in outcome.scores.values() if score["status"] == "failed")
    return next((str(error["code"]) for error in errors if isinstance(error, Mapping)), "unknown")


def _seen(now: float, beat: float, record: bytes) -> SeenWorker:
    return SeenWorker(record=codec.worker_from_json(record), beat_at=beat, beat_age=max(0.0, now - beat))


def _unserved(needed: Sequence[Any], releases: Sequence[bytes]) -> int:
    alive = [codec.tags_from_text(tags) for tags in releases]
    waiting = ((codec.tags_from_text(needs), int(count)) for needs, count in _pairs(needed))
    return sum(count for needs, count in waiting if not any(needs <= tags for tags in alive))


def _items(fields: Mapping[str, float]) -> dict[tuple[str, str], int]:
    found = {("scored", ""): 0, ("failed", ""): 0, ("canceled", ""): 0}
    for label, value in _counter(fields, "items").items():
        outcome, _, code = label.partition("|")
        found[outcome, code] = value
    return found


def _counter(fields: Mapping[str, float], name: str) -> dict[str, int]:
    prefix = f"{name}|"
    return {field[len(prefix) :]: int(value) for field, value in fields.items() if field.startswith(prefix)}


def _histogram(fields: Mapping[str, float], name: str, bounds: Sequence[bytes]) -> Histogram:
    """Redis holds what fell between two bounds; a histogram says what stayed below each."""
    below = 0
    buckets: list[tuple[str, int]] = []
    for bound in (*(each.decode() for each in bounds), "inf"):
        below += int(fields.get(f"{name}|{bound}", 0))
        buckets.append((bound, below))
    return Histogram(buckets=tuple(buckets), sum=fields.get(f"{name}|sum", 0.0))


def _pairs(flat: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(flat[0::2], flat[1::2], strict=True)
