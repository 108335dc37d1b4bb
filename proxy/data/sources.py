"""From a batch's name to the batch: bundled images, synthetic ones, or those of an archive in a local folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from proxy.data.archives import archive_batch, missing_file
from proxy.data.cache import BatchCache
from proxy.data.datasets import DATASETS, Dataset, Split
from proxy.data.names import (
    SYNTHETIC,
    BatchName,
    SyntheticOptions,
    parse_name,
    parse_synthetic,
    unknown_source,
)
from proxy.data.normalisation import normalise
from proxy.data.npy import NpzFile
from proxy.data.spec import CHANNELS, MAX_IMAGES, Batch
from proxy.data.synthetic import synthetic_batch
from proxy.errors import UnknownBatch, shown
from proxy.spaces._base import ImageShape

BUNDLED: Final = "cifar10:train"
BUNDLED_IMAGES: Final = 64

_SYNTHETIC_EXAMPLE: Final = f"{SYNTHETIC}:seed=0"
_batches: Final = BatchCache()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInfo:
    """A built-in source of batches, and what of it can be had on this machine."""

    name: str
    """A batch of this source: an example to copy."""
    title: str
    citation: str
    pattern: str
    """How all its batches are named."""
    images: int
    """How many images a name can reach here; 0 if its files are missing."""
    classes: int
    image: ImageShape
    repair: str | None
    """What to put where for all its images; None if they are all here."""


def load_batch(name: str, *, data_dir: Path | None = None) -> Batch:
    """The built-in batch of that name, e.g. "cifar10:train[0:8]". Cached: never write to its arrays.

    Args:
        name: SOURCE[START:STOP]; the sources are those of `list_batches`.
        data_dir: folder of the original archives, for all that is not bundled.

    Raises:
        UnknownBatch: the name does not exist, or needs a file that is not in `data_dir`.
        InvalidBatch: a file in `data_dir` is not what its authors published.
    """
    parsed = parse_name(name)
    if parsed.source.startswith(f"{SYNTHETIC}:"):
        options = parse_synthetic(parsed)
        key = (parsed.start, parsed.stop, options)
        return _batches.get_or_load(key, lambda: synthetic_batch(parsed, options))
    dataset, split = _find(parsed)
    if parsed.source == BUNDLED and parsed.stop <= BUNDLED_IMAGES:
        return _batches.get_or_load(parsed, lambda: _bundled_batch(parsed, dataset))
    return _batches.get_or_load((parsed, data_dir), lambda: archive_batch(parsed, dataset, split, data_dir))


def list_batches(data_dir: Path | None = None) -> list[BatchInfo]:
    """Every source, the bundled one first. Looks for files, does not read them."""
    infos = [
        _info(f"{dataset_name}:{split_name}", dataset, split, data_dir)
        for dataset_name, dataset in DATASETS.items()
        for split_name, split in dataset.splits.items()
    ]
    return [*infos, _synthetic_info()]


def _find(name: BatchName) -> tuple[Dataset, Split]:
    sources = [f"{dataset}:{split}" for dataset, entry in DATASETS.items() for split in entry.splits]
    if name.source not in sources:
        raise unknown_source(name, [*sources, _SYNTHETIC_EXAMPLE])
    dataset_name, _, split_name = name.source.partition(":")
    dataset = DATASETS[dataset_name]
    split = dataset.splits[split_name]
    if name.stop > split.images:
        raise UnknownBatch(
            f"batch {shown(str(name))} ends after the last image; allowed: STOP up to {split.images} for {name.source}"
        )
    return dataset, split


@cache
def _bundled_arrays() -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    file = NpzFile(Path(__file__).with_name("cifar10_train64.npz").read_bytes())
    return file.read("images"), file.read("labels")


def _bundled_batch(name: BatchName, dataset: Dataset) -> Batch:
    pixels_NHWC, labels_N = _bundled_arrays()
    return Batch(
        name=str(name),
        images_NCHW=normalise(pixels_NHWC[name.start : name.stop], dataset.constants),
        labels_N=labels_N[name.start : name.stop].astype(np.int64),
        classes=dataset.classes,
        mean=dataset.constants.mean,
        std=dataset.constants.std,
    )


def _info(source: str, dataset: Dataset, split: Split, data_dir: Path | None) -> BatchInfo:
    repair = missing_file(split, data_dir)
    bundled = BUNDLED_IMAGES if source == BUNDLED else 0
    return BatchInfo(
        name=f"{source}[0:8]",
        title=f"{dataset.title} {source.partition(':')[2]}",
        citation=dataset.citation,
        pattern=f"{source}[START:STOP]",
        images=bundled if repair else split.images,
        classes=dataset.classes,
        image=ImageShape(channels=CHANNELS, height=dataset.side, width=dataset.side),
        repair=f"{repair}, from {dataset.url}" if repair else None,
    )


def _synthetic_info() -> BatchInfo:
    options = SyntheticOptions()
    return BatchInfo(
        name=f"{_SYNTHETIC_EXAMPLE}[0:8]",
        title="seeded noise",
        citation="SHAKE-256 of the seed and the image's number (proxy/data/synthetic.py)",
        pattern=f"{SYNTHETIC}:seed=S,classes=K,size=PIXELS[START:STOP]",
        images=MAX_IMAGES,
        classes=options.classes,
        image=ImageShape(channels=CHANNELS, height=options.size, width=options.size),
        repair=None,
    )
