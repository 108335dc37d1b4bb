"""The original archives, in small: files of the same structure with checksum tables to match."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from proxy.data import list_batches, load_batch
from proxy.data.datasets import DATASETS, ArchiveFile, Split
from proxy.errors import InvalidBatch, UnknownBatch

Pixels = npt.NDArray[np.uint8]
Publish = Callable[[str, list[tuple[str, dict[str, bytes] | bytes]], int], None]


def pixels(count: int, side: int, seed: int = 0) -> Pixels:
    """As the archives hold them: one row an image, all red first, then green, then blue."""
    return np.random.default_rng(seed).integers(0, 256, (count, 3 * side * side), dtype=np.uint8)


def tarred(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def python2_text(text: bytes) -> bytes:
    return b"T" + len(text).to_bytes(4, "little") + text


def python2_array(rows: Pixels) -> bytes:
    """An array as Python 2 and numpy 1 pickled it, opcode by opcode: no Python of today writes this."""
    shape = b"".join(b"J" + length.to_bytes(4, "little") for length in rows.shape) + b"\x86"
    new = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + python2_text(b"b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + python2_text(b"u1") + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + python2_text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return new + b"(K\x01" + shape + dtype + b"\x89" + python2_text(rows.tobytes()) + b"tb"


def python2_pickle(rows: Pixels, **lists: list[int]) -> bytes:
    """A dictionary of an array "data" and of lists of small integers."""
    entry = python2_text(b"data") + python2_array(rows)
    for key, numbers in lists.items():
        entry += python2_text(key.encode()) + b"](" + b"".join(b"K" + bytes([number]) for number in numbers) + b"e"
    return b"\x80\x02}(" + entry + b"u."


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Writes files into the data folder and makes them a split of a dataset, with their true checksums."""

    def write(source: str, contents: list[tuple[str, dict[str, bytes] | bytes]], images: int) -> None:
        files = []
        for path, content in contents:
            data = content if isinstance(content, bytes) else tarred(content)
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(data)
            members = () if isinstance(content, bytes) else tuple(content)
            files.append(ArchiveFile(path, hashlib.md5(data, usedforsecurity=False).hexdigest(), members))
        dataset, _, split = source.partition(":")
        splits = {**DATASETS[dataset].splits, split: Split(tuple(files), images)}
        monkeypatch.setitem(DATASETS, dataset, replace(DATASETS[dataset], splits=splits))

    return write


def test_cifar10_goes_through_its_members_in_order(publish: Publish, tmp_path: Path) -> None:
    rows = pixels(70, 32)
    labels = [index % 10 for index in range(70)]
    parts = {
        f"cifar-10-batches-py/data_batch_{number}": pickle.dumps(
            {"data": rows[start : start + 35], "labels": labels[start : start + 35]}, protocol=4
        )
        for number, start in ((1, 0), (2, 35))
    }
    publish("cifar10:train", [("cifar-10-python.tar.gz", parts)], 70)
    batch = load_batch("cifar10:train[30:68]", data_dir=tmp_path)
    assert batch.labels_N.tolist() == labels[30:68]
    assert batch.classes == 10
    red = (rows[30, 0] / 255 - 0.4914) / 0.2023
    blue = (rows[67, -1] / 255 - 0.4465) / 0.2010
    assert batch.images_NCHW[0, 0, 0, 0] == pytest.approx(red, rel=1e-5, abs=1e-6)
    assert batch.images_NCHW[-1, 2, -1, -1] == pytest.approx(blue, rel=1e-5, abs=1e-6)
    assert batch.images_NCHW.flags.c_contiguous
    assert load_batch("cifar10:train[30:68]", data_dir=tmp_path) is batch


def test_the_archive_of_python_2_is_read(publish: Publish, tmp_path: Path) -> None:
    rows = pixels(4, 32)
    python2 = python2_pickle(rows, fine_labels=[99, 0, 5, 7], coarse_labels=[0, 0, 0, 0])
    publish("cifar100:test", [("cifar-100-python.tar.gz", {"cifar-100-python/test": python2})], 4)
    batch = load_batch("cifar100:test[0:3]", data_dir=tmp_path)
    assert batch.labels_N.tolist() == [99, 0, 5]
    assert batch.classes == 100
    assert batch.images_NCHW[0, 0, 0, 0] == pytest.approx((rows[0, 0] - 129.3) / 68.2, rel=1e-4, abs=1e-5)


def imagenet_part(labels: list[int], seed: int) -> bytes:
    return pickle.dumps({"data": pixels(len(labels), 16, seed), "labels": labels}, protocol=3)


def test_imagenet16_keeps_the_first_120_classes(publish: Publish, tmp_path: Path) -> None:
    parts: list[tuple[str, dict[str, bytes] | bytes]] = [
        ("ImageNet16/train_data_batch_1", imagenet_part([1, 121, 120, 1000], 1)),
        ("ImageNet16/train_data_batch_2", imagenet_part([500, 2, 3], 2)),
    ]
    publish("imagenet16-120:train", parts, 4)
    batch = load_batch("imagenet16-120:train[0:4]", data_dir=tmp_path)
    assert batch.labels_N.tolist() == [0, 119, 1, 2]
    assert batch.images_NCHW.shape == (4, 3, 16, 16)
    assert batch.classes == 120
    kept = pixels(4, 16, 1)[2]
    expected = (kept[0] - 122.68) / 63.22
    assert batch.images_NCHW[1, 0, 0, 0] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert load_batch("imagenet16-120:train[2:3]", data_dir=tmp_path).labels_N.tolist() == [1]


def test_files_after_the_last_image_are_not_needed(publish: Publish, tmp_path: Path) -> None:
    parts: list[tuple[str, dict[str, bytes] | bytes]] = [
        ("ImageNet16/train_data_batch_1", imagenet_part([1, 2], 1)),
        ("ImageNet16/train_data_batch_2", imagenet_part([3, 4], 2)),
    ]
    publish("imagenet16-120:train", parts, 4)
    (tmp_path / "ImageNet16/train_data_batch_2").unlink()
    assert load_batch("imagenet16-120:train[0:2]", data_dir=tmp_path).labels_N.tolist() == [0, 1]
    with pytest.raises(UnknownBatch, match="train_data_batch_2"):
        load_batch("imagenet16-120:train[0:3]", data_dir=tmp_path)
    listed = {info.pattern: info for info in list_batches(tmp_path)}
    assert "train_data_batch_2" in (listed["imagenet16-120:train[START:STOP]"].repair or "")


class Command:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


def test_a_pickle_that_runs_a_command_is_refused_and_does_not_run(publish: Publish, tmp_path: Path) -> None:
    marker = tmp_path / "was-run"
    hostile = pickle.dumps({"data": Command(f"touch {marker}"), "labels": [1]})
    publish("imagenet16-120:test", [("ImageNet16/val_data", hostile)], 1)
    with pytest.raises(InvalidBatch, match="system', which is never run"):
        load_batch("imagenet16-120:test[0:1]", data_dir=tmp_path)
    assert not marker.exists()


def test_a_wrong_checksum_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    marker = tmp_path / "was-run"
    (tmp_path / "ImageNet16").mkdir()
    (tmp_path / "ImageNet16/val_data").write_bytes(pickle.dumps(Command(f"touch {marker}")))
    with pytest.raises(InvalidBatch, match=r"has md5 [0-9a-f]{32}, not 3410e3017fdaefba8d5073aaa65e4bd6") as caught:
        load_batch("imagenet16-120:test[0:1]", data_dir=tmp_path)
    assert "github.com/D-X-Y" in str(caught.value)
    assert not marker.exists()


def test_a_file_is_verified_again_once_it_has_changed(publish: Publish, tmp_path: Path) -> None:
    publish("imagenet16-120:test", [("ImageNet16/val_data", imagenet_part([1, 2, 3], 1))], 3)
    load_batch("imagenet16-120:test[0:1]", data_dir=tmp_path)
    (tmp_path / "ImageNet16/val_data").write_bytes(imagenet_part([1, 2, 3, 4], 1))
    with pytest.raises(InvalidBatch, match="has md5"):
        load_batch("imagenet16-120:test[0:2]", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read (EOFError"),
        (b"not a pickle", "cannot be read"),
        (pickle.dumps([1, 2]), "holds a list instead of a dictionary"),
        (pickle.dumps({"labels": [1]}), "does not hold ImageNet16-120 images (KeyError"),
        (pickle.dumps({"data": np.zeros(5, np.uint8), "labels": [1]}), "does not hold ImageNet16-120 images"),
        (pickle.dumps({"data": np.zeros((1, 768)), "labels": [1]}), "float64 (1, 3, 16, 16)"),
        (pickle.dumps({"data": pixels(2, 16), "labels": [1]}), "with labels (1,)"),
        (pickle.dumps({"data": pixels(1, 16), "labels": ["a"]}), "does not hold ImageNet16-120 images"),
        (pickle.dumps({"data": pixels(1, 16), "labels": [1000]}), "holds 0 images"),
    ],
)
def test_other_content_is_refused(content: bytes, message: str, publish: Publish, tmp_path: Path) -> None:
    publish("imagenet16-120:test", [("ImageNet16/val_data", content)], 1)
    with pytest.raises(InvalidBatch) as caught:
        load_batch("imagenet16-120:test[0:1]", data_dir=tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"not a tar", tarred({"other": b""})], ids=["no tar", "others"])
def test_an_archive_without_its_members_is_refused(content: bytes, publish: Publish, tmp_path: Path) -> None:
    publish("cifar10:test", [("cifar-10-python.tar.gz", content)], 1)
    file = replace(DATASETS["cifar10"].splits["test"].files[0], members=("cifar-10-batches-py/test_batch",))
    DATASETS["cifar10"] = replace(
        DATASETS["cifar10"], splits={**DATASETS["cifar10"].splits, "test": Split((file,), 1)}
    )  # Undone by `publish`.
    with pytest.raises(InvalidBatch, match="cannot be unpacked"):
        load_batch("cifar10:test[0:1]", data_dir=tmp_path)


def test_the_published_checksums_are_well_formed_and_distinct() -> None:
    files = {file.path: file.md5 for entry in DATASETS.values() for s in entry.splits.values() for file in s.files}
    assert len(files) == 13
    assert len(set(files.values())) == 13
    assert all(len(md5) == 32 and int(md5, 16) >= 0 for md5 in files.values())
