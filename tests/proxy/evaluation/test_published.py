"""Small copies of the published layouts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy.evaluation import InvalidRequest, InvalidTable
from proxy.evaluation.accuracies import read_accuracies
from proxy.evaluation.published import from_nasbench201_api
from proxy.spaces.nasbench201.index import official_cells

CELLS = [cell.canonical for cell in official_cells()[:3]]


def jung_folder(folder: Path) -> Path:
    """Cell 2 is isomorphic to cell 0."""
    ids = {str(n): {"nb201-string": cell, "isomorph": str(n % 2)} for n, cell in enumerate(CELLS)}
    write(folder / "meta.json", {"ids": ids, "epsilons": {"fgsm@Linf": [0.5, 1.0]}})
    accuracies: dict[str, dict[str, Any]] = {
        "clean": {"0": 0.9, "1": 0.8, "2": 0.9},
        "fgsm@Linf": {"0": [0.5, 0.4], "1": [0.3, 0.2], "2": [0.5, 0.4]},
        "fog": {"0": [0.5, 0.4, 0.3, 0.2, 0.1], "1": [0.9, 0.8, 0.7, 0.6, 0.5]},
    }
    for key, values in accuracies.items():
        write(folder / "cifar10" / f"{key}_accuracy.json", {"cifar10": {key: {"accuracy": values}}})
    write(folder / "cifar10" / "clean_confidence.json", {"cifar10": {"clean": {"confidence": {}}}})
    return folder


def write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def test_jung_folder(tmp_path: Path) -> None:
    table = read_accuracies(jung_folder(tmp_path))
    assert table.architectures == (CELLS[0], CELLS[1])
    assert [*table.columns] == ["clean", "fgsm@Linf_eps0.5", "fgsm@Linf_eps1", *(f"fog_s{n}" for n in range(1, 6))]
    assert table.columns["clean"].tolist() == pytest.approx([90.0, 80.0])
    assert table.columns["fgsm@Linf_eps1"].tolist() == pytest.approx([40.0, 20.0])
    assert table.columns["fog_s5"].tolist() == pytest.approx([10.0, 50.0])
    (note,) = table.notes
    assert "1 rows of architectures isomorphic to another" in note


def test_jung_folder_without_the_data_set(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"'cifar100'.*allowed: cifar10"):
        read_accuracies(jung_folder(tmp_path), dataset="cifar100")
    with pytest.raises(InvalidRequest, match=r"\.\."):
        read_accuracies(jung_folder(tmp_path), dataset="..")


@pytest.mark.parametrize(
    ("name", "document", "text"),
    [
        ("meta.json", [], "not an object"),
        ("meta.json", {"ids": {}}, "published layout"),
        ("cifar10/clean_accuracy.json", {"cifar10": {}}, "published layout"),
        ("cifar10/fgsm@Linf_accuracy.json", {"cifar10": {"fgsm@Linf": {"accuracy": {"0": [0.1]}}}}, "published layout"),
        ("cifar10/clean_accuracy.json", {"cifar10": {"clean": {"accuracy": {"0": 90}}}}, "out of range"),
        ("cifar10/clean_accuracy.json", {"cifar10": {"clean": {"accuracy": {"0": "x"}}}}, "published layout"),
    ],
)
def test_jung_folder_in_another_layout(tmp_path: Path, name: str, document: object, text: str) -> None:
    write(jung_folder(tmp_path) / name, document)
    with pytest.raises(InvalidTable, match=text):
        read_accuracies(tmp_path)


def test_jung_folder_with_a_torn_file(tmp_path: Path) -> None:
    (jung_folder(tmp_path) / "cifar10" / "fog_accuracy.json").write_text('{"cifar10": ')
    with pytest.raises(InvalidTable, match="no JSON"):
        read_accuracies(tmp_path)


def test_robbench(tmp_path: Path) -> None:
    def of(value: float) -> Mapping[str, object]:
        return {
            "val_acc": {"1": 0.0, "2": 0.0, "threeseed": value},
            "val_fgsm_3.0_acc": {"1": value, "2": value / 2},
            "val_pgd_8.0_acc": {"threeseed": value / 4},
            "autoattack": value / 5,
        }

    path = tmp_path / "NAS-RobBench-201_all.json"
    write(path, {"cifar10": {"0": of(0.8), CELLS[1]: of(0.4)}, "cifar100": {"0": of(0.2)}})
    table = read_accuracies(path)
    assert table.architectures == (CELLS[0], CELLS[1])
    assert {name: column.tolist() for name, column in table.columns.items()} == {
        "clean": pytest.approx([80.0, 40.0]),
        "fgsm_3.0": pytest.approx([60.0, 30.0]),
        "pgd_8.0": pytest.approx([20.0, 10.0]),
        "autoattack": pytest.approx([16.0, 8.0]),
    }
    assert read_accuracies(path, dataset="cifar100").columns["clean"].tolist() == pytest.approx([20.0])
    with pytest.raises(InvalidRequest, match="allowed: cifar10, cifar100"):
        read_accuracies(path, dataset="imagenet")


@pytest.mark.parametrize(
    "of_cifar10",
    [
        {},
        [],
        {"0": 0.5},
        {"0": {"val_acc": "high"}},
        {"0": {"val_acc": 10**400}},
        {"15625": {"val_acc": 0.5}},
        {"0": {"val_acc": {}}},
        {"x": {}},
        {"0": {"val_acc": 0.5}, CELLS[0]: {"val_acc": 0.5}},
    ],
)
def test_robbench_in_another_layout(tmp_path: Path, of_cifar10: object) -> None:
    write(tmp_path / "all.json", {"cifar10": of_cifar10})
    with pytest.raises(InvalidTable):
        read_accuracies(tmp_path / "all.json")


class Api:
    """What we use of the official API object."""

    def __len__(self) -> int:
        return len(CELLS)

    def __getitem__(self, index: int) -> str:
        return CELLS[index]

    def get_more_info(self, index: int, dataset: str, *, hp: str, is_random: bool) -> Mapping[str, float]:
        assert (hp, is_random) == ("200", False)
        return {
            "train-loss": 1.0,
            "test-accuracy": {"cifar10": 90.0, "cifar100": 70.0, "ImageNet16-120": 0.5}[dataset] + index,
        }


def test_official_api_object() -> None:
    table = from_nasbench201_api(Api())
    assert table.architectures == tuple(CELLS)
    np.testing.assert_allclose(table.columns["cifar10_test"], [90.0, 91.0, 92.0])
    np.testing.assert_allclose(table.columns["imagenet16_test"], [0.5, 1.5, 2.5])


def test_another_api_object() -> None:
    with pytest.raises(InvalidTable, match="API object"):
        from_nasbench201_api({0: "no API"})  # type: ignore[arg-type]
