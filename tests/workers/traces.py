"""What a service leaves behind in Redis: every key must be one that `workers/keys.py` lists, and live as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import redis as redis_driver

from workers import keys
from workers.store import Store

_ROW = re.compile(r"^    (croze:\S+|rq:\S+) +(?:string|hash|list|set|zset|as J's) .*?(for ever|until J ended|)$", re.M)
#: One letter, or OWNER, stands for any name; those of digests have a colon in them.
_NAME = re.compile(r"\b(J|W|D|A|T|R|N|OWNER)\b")
#: What RQ keeps: lists of rings, and of workers.
_RQ = re.compile(r"rq:(?:queues|workers.*|queue:.*|wip:.*|finished:.*|failed:.*|clean_registries:.*|worker:.*)")
#: Rings that wait, and where RQ looks after some minutes for those that a killed worker had in hand.
_RINGS = (f"rq:queue:{keys.QUEUE}", f"rq:queue:{keys.QUEUE}:intermediate")
_ANSWERED = f"rq:wip:{keys.QUEUE}"


@dataclass(frozen=True)
class Row:
    """A kind of key."""

    pattern: re.Pattern[str]
    lives: str
    """"for ever", "until J ended", or "" for some time."""


def documented() -> list[Row]:
    """The table in the docstring of `workers.keys`."""
    rows = [Row(_pattern(name), lives) for name, lives in _ROW.findall(keys.__doc__ or "")]
    assert len(rows) > 15, "the table has another form now"
    return rows


def leaks(redis: redis_driver.Redis) -> list[str]:
    """Keys that are not documented, or that should be gone, or will never go."""
    store, rows = Store(redis), documented()
    return [f"{key}: {why}" for key in _all(redis) if (why := _why(key, redis, store, rows))]


def _why(key: str, redis: redis_driver.Redis, store: Store, rows: list[Row]) -> str | None:
    mortal = int(redis.ttl(key)) != -1
    if key.startswith("rq:"):
        return None if mortal or _RQ.fullmatch(key) or _is_ring(key, redis) else "RQ never forgets it"
    found = [row for row in rows if row.pattern.fullmatch(key)]
    if not found:
        return "is not in the table of workers/keys.py"
    job_id = _job_of(key)
    job = None if job_id is None else store.jobs.get(job_id)
    if job is not None and job.finished_at is None:
        return None
    if found[0].lives == "until J ended":
        return "its job has ended"
    return None if mortal or found[0].lives == "for ever" else "has no end"


def _is_ring(key: str, redis: redis_driver.Redis) -> bool:
    listed: list[bytes] = [each for name in _RINGS for each in redis.lrange(name, 0, -1)]  # type: ignore[misc]
    answered: list[bytes] = redis.zrange(_ANSWERED, 0, -1)  # type: ignore[assignment]
    ring = key.removeprefix("rq:job:").encode()
    return ring in listed or any(each.startswith(ring) for each in answered)


def _all(redis: redis_driver.Redis) -> Iterator[str]:
    for key in redis.scan_iter(count=1000):
        yield key.decode()


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_NAME.sub(lambda match: ".+" if match[1] in "DA" else "[^:]+", name.replace("*", ".*")))


def _job_of(key: str) -> str | None:
    found = re.match(rf"{keys.PREFIX}job:([^:]+)", key)
    return found[1] if found else None
