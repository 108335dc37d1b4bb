"""How the items of a job with an aggregate compare. `_job.lua` writes it, in the step in which an item ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from proxy.aggregates import Row
from proxy.ranking import Standing, equals
from workers.keys import JobKeys
from workers.store.reading import Reading
from workers.store.wire import Command

#: Commands in one step: half a millisecond of the server's time.
_STEP: Final = 400


class Compared(NamedTuple):
    """How an item compares with all of its job that are ranked so far, itself among them."""

    standings: list[Standing]
    """By each proxy."""
    size: int
    """How many are ranked."""


class Ranking(Reading):
    """What is to be seen of ranks. Nothing here writes."""

    def compared(self, job_id: str, rows: Mapping[int, Row]) -> dict[int, Compared]:
        """How items compare with all that are ranked now.

        Args:
            rows: what they are ranked by (`proxy.aggregates.row_of`), by index.
        """
        found: dict[int, Compared] = {}
        indexes = [*rows]
        step = max(1, _STEP // (2 * len(rows[indexes[0]]) + 1)) if rows else 1
        for start in range(0, len(indexes), step):
            some = {index: rows[index] for index in indexes[start : start + step]}
            found |= self._compared(JobKeys.of(job_id), some)
        return found

    def ranked(self, job_id: str, proxies: int) -> dict[int, Row]:
        """What every item of the job is ranked by that has a value by each proxy of its aggregate, by index.

        Args:
            proxies: how many the aggregate has.
        """
        job = JobKeys.of(job_id)
        columns: list[list[Any]] = self._wire.transaction(
            *(("ZRANGE", job.ranks_by(number), 0, -1, "WITHSCORES") for number in range(proxies))
        )
        values = [{int(index): float(goodness) for index, goodness in _pairs(column)} for column in columns]
        return {index: [column[index] for column in values] for index in sorted(values[0])}

    def against(self, job_id: str) -> bytes | None:
        """What its items are ranked against (`workers.aggregates.pack`); None if that is no earlier job."""
        content: bytes | None = self._wire.command("GET", JobKeys.of(job_id).against)
        return content

    def _compared(self, job: JobKeys, rows: Mapping[int, Row]) -> dict[int, Compared]:
        commands: list[Command] = [("ZCARD", job.ranks_by(0))]
        for row in rows.values():
            for number, goodness in enumerate(row):
                lowest, highest = map(repr, equals(goodness))
                commands += [
                    ("ZCOUNT", job.ranks_by(number), "-inf", f"({lowest}"),
                    ("ZCOUNT", job.ranks_by(number), lowest, highest),
                ]
        size, *counts = self._wire.transaction(*commands)
        pairs = iter([Standing(*pair) for pair in zip(counts[0::2], counts[1::2], strict=True)])
        return {index: Compared([next(pairs) for _ in row], size) for index, row in rows.items()}


def _pairs(reply: list[Any]) -> Iterable[tuple[bytes, Any]]:
    """Members and scores: a flat list in one protocol of Redis, a list of pairs in the other."""
    return reply if reply and isinstance(reply[0], list) else zip(reply[0::2], reply[1::2], strict=True)
