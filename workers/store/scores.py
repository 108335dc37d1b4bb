"""Scores that are known: the same address means the same number, so nobody need compute it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proxy.task import Score
from workers import keys
from workers.settings import StoreSettings
from workers.store import codec
from workers.store.staging import CHUNK
from workers.store.wire import Wire


class Scores:
    """Written by `Jobs.record`, together with the item that they were computed for."""

    def __init__(self, wire: Wire, settings: StoreSettings) -> None:
        self._wire = wire
        self._settings = settings

    def known(self, addresses: Sequence[str]) -> list[Score | None]:
        """The score of each address, marked as cached, or None. Their lifetimes start anew."""
        ttl = int(self._settings.score_ttl)
        found: list[bytes | None] = []
        for start in range(0, len(addresses), CHUNK):
            chunk = addresses[start : start + CHUNK]
            found += self._wire.transaction(*(("GETEX", keys.score(each), "EX", ttl) for each in chunk))
        return [None if text is None else replace(codec.score_from_json(text), cached=True) for text in found]
