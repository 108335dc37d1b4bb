"""Scores that are known: the same address means the same number, so nobody need compute it again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from proxy.json_types import JsonObject
from proxy.task import Score
from workers import keys
from workers.settings import StoreSettings
from workers.store import codec
from workers.store.admission import CACHE_SHARE, memory
from workers.store.scripts import Script
from workers.store.wire import Wire

#: Addresses in one look-up: about 300 kB of reply, and a millisecond of the server's time.
CHUNK: Final = 500
#: Scores looked at in one step of trimming: a few milliseconds of the server's time. Steps in one turn, at most.
_SAMPLE: Final = 2000
_STEPS: Final = 20
#: Of the scores in a sample, the share that is forgotten: those that were used longest ago.
_FORGOTTEN: Final = 0.25


class Scores:
    """Written by `Jobs.record`, together with the item that they were computed for, or before it by `remember`."""

    def __init__(self, wire: Wire, settings: StoreSettings) -> None:
        self._wire = wire
        self._settings = settings

    def known(self, addresses: Sequence[str]) -> list[JsonObject | None]:
        """The score of each address as `Score.to_json` gives it, marked as cached, or None. Their lifetimes start anew.

        As JSON, because that is what becomes of it, 20,000 times for a large job. What cannot be read (a development
        state of ours may have written it) is not known.
        """
        ttl = int(self._settings.score_ttl)
        found: list[bytes | None] = []
        for start in range(0, len(addresses), CHUNK):
            chunk = [keys.score(each) for each in addresses[start : start + CHUNK]]
            found += self._wire.script(Script.RECALL, chunk, [ttl])
        return [None if text is None else codec.known_score(text) for text in found]

    def remember(self, scores: Mapping[str, Score]) -> None:
        """Write scores down, by address. For what an item needs beside other scores that are still to be computed."""
        ttl = int(self._settings.score_ttl)
        self._wire.transaction(
            *(("SET", keys.score(each), codec.score_to_json(score), "EX", ttl) for each, score in scores.items()),
            ("SADD", keys.SCORES, *map(keys.score, scores)),
        )

    def reserve(
        self, worker_id: str, addresses: Sequence[str], cheap: Sequence[str] = ()
    ) -> list[JsonObject | None] | None:
        """The same for what one item needs: [*addresses, *cheap].

        Of `addresses`, what is not known is reserved for this worker, which will compute it. `cheap` is not worth
        that. None if another worker computes one of `addresses` now: nothing was reserved. A reservation ends by
        itself unless it is renewed. What cannot be read is computed without one, and replaced.
        """
        found: list[bytes | None] | bytes = self._wire.script(
            Script.RESERVE,
            [*map(keys.score, (*addresses, *cheap)), *map(keys.reservation, addresses)],
            [worker_id, keys.LEASE_S, int(self._settings.score_ttl), len(addresses) + len(cheap)],
        )
        if isinstance(found, bytes):
            return None
        return [None if text is None else codec.known_score(text) for text in found]

    def renew(self, worker_id: str, addresses: Sequence[str]) -> None:
        """Have this worker's reservations last longer."""
        self._wire.script(Script.RESERVED, [*map(keys.reservation, addresses)], [worker_id, keys.LEASE_S])

    def free(self, worker_id: str, addresses: Sequence[str]) -> None:
        """End this worker's reservations."""
        self._wire.script(Script.RESERVED, [*map(keys.reservation, addresses)], [worker_id, 0])

    def trim(self, worker_id: str) -> int | None:
        """Forget scores while Redis uses more than `CACHE_SHARE` of its memory limit: in random samples, those that
        were used longest ago, which are those that would end soonest.

        Returns how many; None if it is not this worker's turn: one turn every `TRIM_S` for all workers.
        """
        if self._wire.command("SET", keys.TRIMMING, worker_id, "NX", "PX", int(keys.TRIM_S * 1000)) is None:
            return None
        forgotten = 0
        for _ in range(_STEPS):
            used, most = memory(self._wire)
            scarce = 0 < CACHE_SHARE * most < used
            forgotten += self._sift(_FORGOTTEN if scarce else 0.0)
            if not scarce:
                break
        return forgotten

    def _sift(self, share: float) -> int:
        """Forget that share of a sample, and strike out what has ended by itself. How many were forgotten."""
        sample: list[bytes] = self._wire.command("SRANDMEMBER", keys.SCORES, _SAMPLE)
        if not sample:
            return 0
        lives: list[int] = self._wire.transaction(*(("PTTL", key) for key in sample))
        alive = sorted((life, key) for life, key in zip(lives, sample, strict=True) if life >= 0)
        oldest = [key for _, key in alive[: math.ceil(share * len(alive))]]
        ended = [key for life, key in zip(lives, sample, strict=True) if life < 0]
        if oldest or ended:
            # A score that was written just now may go with them: it is computed once more.
            self._wire.transaction(("UNLINK", *oldest, *ended), ("SREM", keys.SCORES, *oldest, *ended))
        return len(oldest)
