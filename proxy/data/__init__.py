"""Batches: the images and labels that proxies see. Torch-free, so that the API can check and digest them.

load_batch(name)            a built-in batch, e.g. "cifar10:train[0:8]"
read_npz(content, name=...) a user's own
to_bytes, from_bytes        a batch as bytes, and back
check_labels                do the labels fit a network's classes?
list_batches                what there is to load
"""

from proxy.data.npz import check_labels, read_npz
from proxy.data.sources import BatchInfo, list_batches, load_batch
from proxy.data.spec import DEFAULT_BATCH, Batch
from proxy.data.wire import from_bytes, to_bytes

__all__ = [
    "DEFAULT_BATCH",
    "Batch",
    "BatchInfo",
    "check_labels",
    "from_bytes",
    "list_batches",
    "load_batch",
    "read_npz",
    "to_bytes",
]
