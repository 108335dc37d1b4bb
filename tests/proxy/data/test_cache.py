"""The bounded cache of batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from proxy.data import Batch
from proxy.data.cache import BatchCache

IMAGE_BYTES = 3 * 4 * 4 * 4 + 8  # One image of 4 x 4 in float32, and its label.


def make(name: str, images: int = 1) -> Batch:
    return Batch(
        name=name,
        images_NCHW=np.zeros((images, 3, 4, 4), np.float32),
        labels_N=np.zeros(images, np.int64),
        classes=2,
    )


def never() -> Batch:
    pytest.fail("loaded again")


def test_a_kept_batch_is_the_same_object() -> None:
    cache = BatchCache()
    batch = cache.get_or_load("a", lambda: make("a"))
    assert cache.get_or_load("a", never) is batch


def test_the_least_recently_used_goes_first() -> None:
    cache = BatchCache(max_batches=2)
    kept = cache.get_or_load("a", lambda: make("a"))
    dropped = cache.get_or_load("b", lambda: make("b"))
    cache.get_or_load("a", never)
    cache.get_or_load("c", lambda: make("c"))
    assert len(cache) == 2
    assert cache.get_or_load("a", never) is kept
    assert cache.get_or_load("b", lambda: make("b")) is not dropped


def test_bytes_are_bounded_too() -> None:
    cache = BatchCache(max_bytes=4 * IMAGE_BYTES)
    for name in "abc":
        cache.get_or_load(name, lambda: make("x", images=2))
    assert len(cache) == 2
    cache.get_or_load("large", lambda: make("large", images=4))
    assert len(cache) == 1


def test_what_is_larger_than_the_cache_is_returned_and_not_kept() -> None:
    cache = BatchCache(max_bytes=IMAGE_BYTES)
    assert cache.get_or_load("large", lambda: make("large", images=2)).size == 2
    assert len(cache) == 0


def test_a_failed_load_leaves_nothing_behind() -> None:
    cache = BatchCache()

    def fail() -> Batch:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        cache.get_or_load("a", fail)
    assert cache.get_or_load("a", lambda: make("a")).name == "a"


def test_threads_that_load_at_once_get_one_object() -> None:
    cache = BatchCache()
    together = Barrier(4, timeout=30)

    def load() -> Batch:
        together.wait()
        return make("a")

    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: cache.get_or_load("a", load), range(4)))
    assert len({id(batch) for batch in batches}) == 1
