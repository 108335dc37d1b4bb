"""Built-in batches by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from proxy.data import DEFAULT_BATCH, list_batches, load_batch
from proxy.data.datasets import DATASETS
from proxy.errors import UnknownBatch

# The digests are in the address of every score: they may only change together with the images.
BUNDLED_DIGESTS = {
    "cifar10:train[0:8]": "sha256:a5fa16fdec04aa85367ce55ceabd8382a874fd10fefa6248e9a56f6439241005",
    "cifar10:train[0:64]": "sha256:2acaa784ad5069f621bb1a34a6a83a2288f9fd72eac7b35344849a719fd4d674",
}


@pytest.mark.parametrize("name", BUNDLED_DIGESTS)
def test_digests_of_the_bundled_images_never_change(name: str) -> None:
    assert load_batch(name).digest == BUNDLED_DIGESTS[name]


def test_the_default_batch_is_the_first_8_training_images_of_cifar10() -> None:
    batch = load_batch(DEFAULT_BATCH)
    assert batch.name == "cifar10:train[0:8]"
    assert batch.labels_N.tolist() == [6, 9, 9, 4, 1, 1, 2, 7]
    assert batch.classes == 10
    assert batch.size == 8
    # The first pixel of the first training image (a frog) is (59, 62, 63).
    expected = [(59 / 255 - 0.4914) / 0.2023, (62 / 255 - 0.4822) / 0.1994, (63 / 255 - 0.4465) / 0.2010]
    np.testing.assert_allclose(batch.images_NCHW[0, :, 0, 0], expected, rtol=1e-5)
    assert batch.images_NCHW.flags.c_contiguous
    assert batch.images_NCHW.dtype == np.float32


def test_a_bundled_slice_is_cut_from_the_bundled_images() -> None:
    whole, part = load_batch("cifar10:train[0:64]"), load_batch("cifar10:train[60:64]")
    np.testing.assert_array_equal(part.images_NCHW, whole.images_NCHW[60:])
    np.testing.assert_array_equal(part.labels_N, whole.labels_N[60:])


def test_the_same_name_is_the_same_object(tmp_path: Path) -> None:
    assert load_batch(DEFAULT_BATCH) is load_batch(DEFAULT_BATCH, data_dir=tmp_path)


def test_a_missing_archive_is_named_with_its_checksum_but_not_with_a_path(tmp_path: Path) -> None:
    with pytest.raises(UnknownBatch) as caught:
        load_batch("cifar10:train[60:68]", data_dir=tmp_path)
    for part in ("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", "CROZE_DATA_DIR", "cs.toronto.edu"):
        assert part in str(caught.value)
    assert str(tmp_path) not in str(caught.value), "clients of the service read this too"


def test_without_a_data_folder_the_error_asks_for_one() -> None:
    with pytest.raises(UnknownBatch, match="name a data folder that holds ImageNet16/val_data"):
        load_batch("imagenet16-120:test[0:8]")


def test_an_unknown_source_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UnknownBatch, match=r"did you mean 'cifar10:train'\? allowed: .*cifar100:test.*synthetic"):
        load_batch("cifar10:trian[0:8]")


def test_a_slice_beyond_the_last_image_is_refused() -> None:
    with pytest.raises(UnknownBatch, match="allowed: STOP up to 10000 for cifar10:test"):
        load_batch("cifar10:test[9999:10001]")


def test_every_listed_batch_loads_or_says_what_is_missing(tmp_path: Path) -> None:
    infos = list_batches(tmp_path)
    assert infos[0].name == DEFAULT_BATCH
    assert infos[0].images == 64
    for info in infos:
        if info.images:
            batch = load_batch(info.name, data_dir=tmp_path)
            assert (batch.classes, batch.image) == (info.classes, info.image)
        else:
            assert info.repair is not None
            with pytest.raises(UnknownBatch) as caught:
                load_batch(info.name, data_dir=tmp_path)
            assert info.repair in str(caught.value)


def test_a_file_that_is_there_is_listed_as_there(tmp_path: Path) -> None:
    (tmp_path / "cifar-100-python.tar.gz").touch()
    listed = {info.pattern: info for info in list_batches(tmp_path)}
    assert listed["cifar100:train[START:STOP]"].images == 50_000
    assert listed["cifar100:train[START:STOP]"].repair is None
    assert listed["cifar100:train[START:STOP]"].citation == DATASETS["cifar100"].citation


def test_batches_need_no_torch() -> None:
    code = "import sys, proxy.data; proxy.data.load_batch('cifar10:train[0:8]'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)
