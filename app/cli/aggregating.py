"""The aggregate of one run of `croze score`: all its items are ranked among each other when the last has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.jobs.standings import LEAST, Standing, placed, too_few, unranked
from app.jobs.views import standing_json
from proxy.aggregates import Aggregate, Row, rank_all, row_of
from proxy.json_types import JsonObject
from workers.aggregates import AggregateSpec


class Ranking:
    """All items of a run, ranked."""

    def __init__(self, aggregate: Aggregate, rows: Mapping[int, Row]) -> None:
        """
        Args:
            rows: what items are ranked by that have all values (`row_of`), by index.
        """
        self._spec = AggregateSpec(name=aggregate.name, method=aggregate.method, proxies=aggregate.proxies)
        self._table = rank_all(rows)

    def of(self, item: Mapping[str, Any]) -> JsonObject:
        """What the aggregate says of an item, as a job would."""
        return standing_json(self._spec, self._standing(item))

    def _standing(self, item: Mapping[str, Any]) -> Standing:
        size, proxies = len(self._table), self._spec.proxies
        ranked = self._table.get(item["index"])
        if ranked is None:
            return unranked(proxies, item["status"], item["scores"], item["error"])
        return too_few(size, proxies) if size < LEAST else placed(ranked, among=size, of=size)


def rank_items(items: Iterable[JsonObject], aggregate: Aggregate) -> list[JsonObject]:
    """All items, in their order, with what the aggregate says of each."""
    found = [*items]
    ranking = Ranking(aggregate, rows_of(found, aggregate))
    return [{**item, "aggregate": ranking.of(item)} for item in found]


def rows_of(items: Iterable[Mapping[str, Any]], aggregate: Aggregate) -> dict[int, Row]:
    """What items are ranked by that have all values, by index."""
    rows = {int(item["index"]): row_of(aggregate.proxies, item["scores"]) for item in items}
    return {index: row for index, row in rows.items() if row is not None}
