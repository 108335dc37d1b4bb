"""A bounded, thread-safe cache of batches: the least recently used go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Final

from proxy.data.spec import MAX_VALUES, Batch

FLOAT_BYTES: Final = 4


class BatchCache:
    """Keeps at most `max_batches` batches and `max_bytes` bytes of images and labels."""

    def __init__(self, *, max_batches: int = 32, max_bytes: int = 4 * MAX_VALUES * FLOAT_BYTES) -> None:
        assert max_batches > 0, "a cache holds something"
        self._max_batches = max_batches
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._batches: OrderedDict[Hashable, Batch] = OrderedDict()
        self._bytes = 0

    def get_or_load(self, key: Hashable, load: Callable[[], Batch]) -> Batch:
        """The batch under `key`, loaded if need be. While it is kept, everyone gets the same object.

        `load` runs outside the lock: a slow archive holds up nobody who wants another batch. Two threads may so
        load the same batch; the first to finish decides which object is kept.
        """
        with self._lock:
            if key in self._batches:
                self._batches.move_to_end(key)
                return self._batches[key]
        loaded = load()
        with self._lock:
            batch = self._batches.setdefault(key, loaded)
            if batch is loaded:
                self._bytes += _size(batch)
            self._batches.move_to_end(key)
            while self._batches and (len(self._batches) > self._max_batches or self._bytes > self._max_bytes):
                _, dropped = self._batches.popitem(last=False)
                self._bytes -= _size(dropped)
            return batch

    def __len__(self) -> int:
        return len(self._batches)


def _size(batch: Batch) -> int:
    return batch.images_NCHW.nbytes + batch.labels_N.nbytes
