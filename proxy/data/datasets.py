"""The image sets that a batch can be cut from: their files, checksums and constants. Facts only.

Checksums are those that torchvision (CIFAR) and AutoDL-Projects (ImageNet16, `DownsampledImageNet`) publish. MD5
is what the authors give: it tells a broken or wrong download, and is no defence by itself (see pickles.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proxy.data.normalisation import CIFAR10, CIFAR100, IMAGENET16, Normalisation


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One file of the data folder."""

    path: str
    """Relative to the data folder."""
    md5: str
    members: tuple[str, ...] = ()
    """The pickles inside it, in order, if it is a .tar.gz; empty if it is a pickle itself."""


@dataclass(frozen=True, slots=True)
class Split:
    """Images in a fixed order: those of its files, one file after the other."""

    files: tuple[ArchiveFile, ...]
    images: int
    """How many there are once labels have been chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Labelled images of one size."""

    title: str
    citation: str
    url: str
    """Where its authors offer it."""
    classes: int
    side: int
    """Height and width in pixels."""
    label_key: str
    first_label: int = 0
    """The label that becomes 0. Images whose label is then not below `classes` are left out."""
    constants: Normalisation
    splits: Mapping[str, Split]


def _cifar10(*members: str) -> tuple[ArchiveFile, ...]:
    paths = tuple(f"cifar-10-batches-py/{member}" for member in members)
    return (ArchiveFile("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", paths),)


def _cifar100(member: str) -> tuple[ArchiveFile, ...]:
    return (
        ArchiveFile("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", (f"cifar-100-python/{member}",)),
    )


_IMAGENET16_TRAIN: Final = (
    "27846dcaa50de8e21a7d1a35f30f0e91",
    "c7254a054e0e795c69120a5727050e3f",
    "4333d3df2e5ffb114b05d2ffc19b1e87",
    "1620cdf193304f4a92677b695d70d10f",
    "348b3c2fdbb3940c4e9e834affd3b18d",
    "6e765307c242a1b3d7d5ef9139b48945",
    "564926d8cbf8fc4818ba23d2faac7564",
    "f4755871f718ccb653440b9dd0ebac66",
    "bb6dd660c38c58552125b1a92f86b5d4",
    "8f03f34ac4b42271a294f91bf480f29b",
)

DATASETS: Final[dict[str, Dataset]] = {
    "cifar10": Dataset(
        title="CIFAR-10",
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        url="https://www.cs.toronto.edu/~kriz/cifar.html",
        classes=10,
        side=32,
        label_key="labels",
        constants=CIFAR10,
        splits={
            "train": Split(_cifar10(*(f"data_batch_{number}" for number in range(1, 6))), 50_000),
            "test": Split(_cifar10("test_batch"), 10_000),
        },
    ),
    "cifar100": Dataset(
        title="CIFAR-100",
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        url="https://www.cs.toronto.edu/~kriz/cifar.html",
        classes=100,
        side=32,
        label_key="fine_labels",
        constants=CIFAR100,
        splits={"train": Split(_cifar100("train"), 50_000), "test": Split(_cifar100("test"), 10_000)},
    ),
    "imagenet16-120": Dataset(
        title="ImageNet16-120",
        citation="Chrabaszcz et al., A Downsampled Variant of ImageNet, 2017; the 120 classes of NAS-Bench-201, 2020",
        url="https://github.com/D-X-Y/AutoDL-Projects",
        classes=120,
        side=16,
        label_key="labels",
        first_label=1,
        constants=IMAGENET16,
        splits={
            "train": Split(
                tuple(
                    ArchiveFile(f"ImageNet16/train_data_batch_{number}", md5)
                    for number, md5 in enumerate(_IMAGENET16_TRAIN, 1)
                ),
                151_700,
            ),
            "test": Split((ArchiveFile("ImageNet16/val_data", "3410e3017fdaefba8d5073aaa65e4bd6"),), 6_000),
        },
    ),
}
