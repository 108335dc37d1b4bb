"""Batches by their digests: what workers fetch the images from, and what clients have uploaded."""

from __future__ import annotations

from typing import Final

from proxy.data import Batch, from_bytes, to_bytes
from proxy.spaces._base import ImageShape
from workers import keys
from workers.records import StoredBatch
from workers.settings import StoreSettings
from workers.store.wire import Part, Wire

_INFO: Final = ("name", "size", "classes", "channels", "height", "width", "owner")


class Batches:
    """A batch lives for `batch_ttl` after it was last put, named by a new job, or fetched by a worker."""

    def __init__(self, wire: Wire, settings: StoreSettings) -> None:
        self._wire = wire
        self._settings = settings

    def put(self, batch: Batch, *, listed: bool = True, owner: str | None = None) -> None:
        """Keep the batch, or keep it longer. Its first name and owner stay: the digest says what it is.

        `listed` is for what clients have uploaded; a built-in batch that a job needs is not news to anybody.
        """
        key = keys.batch(batch.digest)
        if not self.refresh(batch.digest):
            self._wire.transaction(("HSET", key, *self._fields(batch, owner)), ("EXPIRE", key, self._ttl))
        if listed:
            self._wire.command("SADD", keys.BATCHES, batch.digest)

    def get(self, digest: str) -> Batch | None:
        """The batch of that digest; None if it is not kept (any more). Its life starts anew."""
        content: bytes | None
        content, _ = self._wire.transaction(
            ("HGET", keys.batch(digest), "content"), ("EXPIRE", keys.batch(digest), self._ttl)
        )
        return None if content is None else from_bytes(content)

    def refresh(self, digest: str) -> bool:
        """Start its life anew. False: it is not kept (any more)."""
        return bool(self._wire.command("EXPIRE", keys.batch(digest), self._ttl))

    def listed(self) -> list[StoredBatch]:
        """The uploaded batches that are kept, by name."""
        digests: set[bytes] = self._wire.command("SMEMBERS", keys.BATCHES)
        found = {digest.decode(): self._info(digest.decode()) for digest in digests}
        gone = [digest for digest, info in found.items() if info is None]
        if gone:
            self._wire.command("SREM", keys.BATCHES, *gone)
        kept = [info for info in found.values() if info is not None]
        return sorted(kept, key=lambda info: (info.name, info.digest))

    def _info(self, digest: str) -> StoredBatch | None:
        fields: list[bytes | None]
        fields, milliseconds, time = self._wire.transaction(
            ("HMGET", keys.batch(digest), *_INFO), ("PTTL", keys.batch(digest)), ("TIME",)
        )
        name, *numbers, owner = [b"" if field is None else field for field in fields]
        if not name:
            return None
        size, classes, channels, height, width = map(int, numbers)
        return StoredBatch(
            name=name.decode(),
            digest=digest,
            size=size,
            classes=classes,
            image=ImageShape(channels=channels, height=height, width=width),
            owner=owner.decode() or None,
            expires_at=int(time[0]) + milliseconds / 1000,
        )

    def _fields(self, batch: Batch, owner: str | None) -> list[Part]:
        image = batch.image
        values: list[Part] = [batch.name, batch.size, batch.classes, image.channels, image.height, image.width]
        values.append(owner or "")
        info: list[Part] = [part for pair in zip(_INFO, values, strict=True) for part in pair]
        return [*info, "content", to_bytes(batch)]

    @property
    def _ttl(self) -> int:
        return int(self._settings.batch_ttl)
