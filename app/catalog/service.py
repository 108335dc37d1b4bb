"""What can be done with batches, apart from HTTP. Synchronous: the API calls it from its thread pool."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.data import load_batch, read_npz
from proxy.errors import UnknownBatch, shown
from workers.errors import QuotaExceeded, StoreUnavailable

if TYPE_CHECKING:
    from proxy.data.spec import Batch
    from workers.records import StoredBatch
    from workers.store import Store

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
#: Enough to show a digest whole.
_SHOWN: Final = 90


def resolve_batch(store: Store, name: str, data_dir: Path | None) -> Batch:
    """The batch that a job names: built in by name, or kept in the store by digest.

    Raises:
        UnknownBatch: no such name, not on this machine, or no longer kept.
        InvalidBatch: an archive in `data_dir` is not what its authors published.
        StoreError: Redis is away.
    """
    if not name.startswith("sha256:"):
        return load_batch(name, data_dir=data_dir)
    if not _DIGEST.fullmatch(name):
        raise UnknownBatch(f"batch {shown(name, _SHOWN)} is no digest; allowed: sha256: and 64 hexadecimal digits")
    batch = store.batches.get(name)
    if batch is None:
        raise UnknownBatch(f"batch {shown(name, _SHOWN)} is not kept here (any more); upload it with POST /v1/batches")
    return batch


def keep_upload(store: Store, content: bytes, name: str, *, owner: str | None, most: int) -> StoredBatch:
    """Check an .npz file and keep it as a batch. The same tensors again are the same batch, under its first name.

    Args:
        owner: whose it is; None if the service is open. An owner has at most `most` of them.

    Raises:
        InvalidBatch: the file, or the name.
        QuotaExceeded: the owner has too many.
        StoreError: Redis is away or full.
    """
    store.check_memory()
    batch = read_npz(content, name=name)
    if owner is not None and not store.batches.refresh(batch.digest):
        _check_room(store, owner, most)
    store.batches.put(batch, owner=owner)
    for record in store.batches.listed():
        if record.digest == batch.digest:
            return record
    raise StoreUnavailable(f"batch {batch.digest} was lost by Redis right after it was stored")


def _check_room(store: Store, owner: str, most: int) -> None:
    expiring = sorted(record.expires_at for record in store.batches.listed() if record.owner == owner)
    if len(expiring) >= most:
        raise QuotaExceeded(
            f"{owner!r} has {len(expiring)} uploaded batches, and may have at most {most}; use one of those, or wait "
            f"until one has not been used for some days",
            max(1.0, expiring[0] - store.fleet.now()),
        )


def list_uploads(store: Store) -> list[StoredBatch]:
    """Batches that clients uploaded. Workers fetch built-in ones from the store too; no upload's name has a colon."""
    return [record for record in store.batches.listed() if ":" not in record.name]
