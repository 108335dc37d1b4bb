"""The workers that are alive, and the environments that scores have been computed in."""

from __future__ import annotations

from collections.abc import Iterable

from proxy import numerics
from proxy.task import Environment
from workers import keys
from workers.records import SeenWorker, WorkerRecord
from workers.store import codec
from workers.store.scripts import Script
from workers.store.wire import Wire


class Fleet:
    """Who is at work. A worker that stops beating is forgotten; its environment is not, for the cache's sake."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def beat(self, record: WorkerRecord, serves: Iterable[str] = numerics.SERVES) -> int:
        """Say that this worker is alive, how it is, and what it can score. Returns how many are, this one included."""
        environment = record.environment
        alive: int = self._wire.script(
            Script.BEAT,
            [keys.worker(record.id), keys.WORKERS, keys.ENVIRONMENTS, keys.RELEASES],
            [
                record.id,
                codec.worker_to_json(record),
                keys.WORKER_S,
                "" if environment is None else codec.environment_to_json(environment),
                keys.ENVIRONMENTS_KEPT,
                codec.tags_to_text(serves),
            ],
        )
        return alive

    def leave(self, worker_id: str) -> None:
        """Say that this worker is going."""
        self._wire.transaction(("DEL", keys.worker(worker_id)), ("ZREM", keys.WORKERS, worker_id))

    def workers(self) -> list[WorkerRecord]:
        """The workers that are alive, by id."""
        return [seen.record for seen in self.seen()]

    def seen(self) -> list[SeenWorker]:
        """The workers that are alive, by id, and when each last said so."""
        ids: list[bytes] = self._wire.command("ZRANGE", keys.WORKERS, 0, -1)
        if not ids:
            return []
        records: list[bytes | None]
        beats: list[float | None]
        records, beats, time = self._wire.transaction(
            ("MGET", *(keys.worker(each.decode()) for each in ids)), ("ZMSCORE", keys.WORKERS, *ids), ("TIME",)
        )
        now = int(time[0]) + int(time[1]) / 1e6
        seen = [
            SeenWorker(record=codec.worker_from_json(record), beat_at=beat, beat_age=max(0.0, now - beat))
            for record, beat in zip(records, beats, strict=True)
            if record is not None and beat is not None
        ]
        return sorted(seen, key=lambda each: each.record.id)

    def environments(self) -> list[Environment]:
        """Where scores have been computed, most recently seen first."""
        found: list[bytes] = self._wire.command("ZREVRANGE", keys.ENVIRONMENTS, 0, -1)
        return [codec.environment_from_json(text) for text in found]

    def releases(self) -> list[frozenset[str]]:
        """What the releases can score (`proxy.numerics`) of which a worker has lived in the last `WORKER_S`."""
        found: list[bytes] = self._wire.command("ZRANGEBYSCORE", keys.RELEASES, self.now() - keys.WORKER_S, "+inf")
        return [codec.tags_from_text(text) for text in found]

    def now(self) -> float:
        """Redis' clock: seconds since the epoch."""
        seconds, microseconds = self._wire.command("TIME")
        return int(seconds) + int(microseconds) / 1e6
