"""The workers that are alive, and the environments that scores have been computed in."""

from __future__ import annotations

from proxy.task import Environment
from workers import keys
from workers.records import WorkerRecord
from workers.store import codec
from workers.store.scripts import Script
from workers.store.wire import Wire


class Fleet:
    """Who is at work. A worker that stops beating is forgotten; its environment is not, for the cache's sake."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def beat(self, record: WorkerRecord) -> None:
        """Say that this worker is alive, and how it is."""
        environment = record.environment
        self._wire.script(
            Script.BEAT,
            [keys.worker(record.id), keys.WORKERS, keys.ENVIRONMENTS],
            [
                record.id,
                codec.worker_to_json(record),
                keys.WORKER_S,
                "" if environment is None else codec.environment_to_json(environment),
                keys.ENVIRONMENTS_KEPT,
            ],
        )

    def leave(self, worker_id: str) -> None:
        """Say that this worker is going."""
        self._wire.transaction(("DEL", keys.worker(worker_id)), ("ZREM", keys.WORKERS, worker_id))

    def workers(self) -> list[WorkerRecord]:
        """The workers that are alive, by id."""
        ids: list[bytes] = self._wire.command("ZRANGE", keys.WORKERS, 0, -1)
        if not ids:
            return []
        found: list[bytes | None] = self._wire.command("MGET", *(keys.worker(each.decode()) for each in ids))
        records = [codec.worker_from_json(text) for text in found if text is not None]
        return sorted(records, key=lambda record: record.id)

    def environments(self) -> list[Environment]:
        """Where scores have been computed, most recently seen first."""
        found: list[bytes] = self._wire.command("ZREVRANGE", keys.ENVIRONMENTS, 0, -1)
        return [codec.environment_from_json(text) for text in found]

    def now(self) -> float:
        """Redis' clock: seconds since the epoch."""
        seconds, microseconds = self._wire.command("TIME")
        return int(seconds) + int(microseconds) / 1e6
