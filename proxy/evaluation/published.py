"""Published benchmarks in the layouts that their authors give out, as tables in percent. Torch-free, and no pickles.

Jung, Lukasik, Keuper: Neural Architecture Design and Robustness: A Dataset (ICLR 2023). A folder:

    meta.json                       {"ids": {"0": {"nb201-string": ..., "isomorph": "0"}, ...},
                                     "epsilons": {"fgsm@Linf": [0.1, ...], ...}}
    cifar10/clean_accuracy.json     {"cifar10": {"clean": {"accuracy": {"0": 0.856, ...}}}}
    cifar10/fgsm@Linf_accuracy.json the same, with a list for each architecture: one accuracy an epsilon
    cifar10/fog_accuracy.json       the same, one accuracy a severity, 1 to 5

Wu et al.: Robust NAS under adversarial training (ICLR 2024), NAS-RobBench-201. One file:

    {"cifar10": {"0": {"val_acc": {"1": 0.61, ..., "threeseed": 0.61}, "val_fgsm_3.0_acc": {...}, ...,
                       "autoattack": 0.31}, ...}, ...}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any, Final, Protocol

import numpy as np

from proxy.errors import ProxyError, allowed_names, shown
from proxy.evaluation.cells import read_text
from proxy.evaluation.errors import InvalidRequest, InvalidTable
from proxy.evaluation.members import Reader, Table
from proxy.evaluation.units import Unit, in_percent

#: In Jung et al.'s folder, the file that says which architecture is which.
META: Final = "meta.json"
_ACCURACY: Final = "_accuracy"
#: Jung et al. evaluate images and three ways to spoil them; these are no corruptions.
_CLEAN: Final = "clean"
#: NAS-RobBench-201: the mean of the three trainings.
_MEAN_OF_SEEDS: Final = "threeseed"
_ROBBENCH_METRIC: Final = re.compile(r"val_(?:(.+)_)?acc")
_CIFAR10: Final = "cifar10"


def read_jung_folder(folder: Path, dataset: str = _CIFAR10) -> Table:
    """All accuracies of a data set: `clean`, `fgsm@Linf_eps1`, ..., `fog_s1`, ...

    Only architectures that were evaluated themselves have rows: isomorphic ones do not get their representative's.

    Raises:
        InvalidRequest: the folder does not have that data set.
        InvalidTable: a file is missing or has another layout.
    """
    meta = _object(folder / META)
    with _layout(folder / META):
        epsilons = {attack: [float(each) for each in values] for attack, values in meta["epsilons"].items()}
        own = {name: entry["nb201-string"] for name, entry in meta["ids"].items() if entry["isomorph"] == name}
    files = sorted((folder / dataset).glob(f"*{_ACCURACY}.json")) if dataset in _folders(folder) else []
    if not files:
        raise InvalidRequest(
            f"{folder} has no accuracies of {shown(dataset)}; {allowed_names(dataset, _folders(folder))}"
        )
    cells: dict[str, dict[str, float]] = {}
    for file in files:
        key = file.stem.removesuffix(_ACCURACY)
        with _layout(file):
            for name, value in _object(file)[dataset][key]["accuracy"].items():
                cells.setdefault(name, {}).update(_numbered(key, value, epsilons))
    evaluated = {name: row for name, row in cells.items() if name in own}
    notes = []
    if len(evaluated) < len(cells):
        notes.append(f"{folder}: {len(cells) - len(evaluated)} rows of architectures isomorphic to another; left out")
    return _table(str(folder), {own[name]: row for name, row in evaluated.items()}, notes)


def read_robbench(path: Path, dataset: str = _CIFAR10) -> Table:
    """Accuracies after adversarial training: `clean`, `fgsm_3.0`, `fgsm_8.0`, `pgd_3.0`, `pgd_8.0`, `autoattack`.

    Means of three trainings where the file has them.

    Raises:
        InvalidRequest: the file does not have that data set.
        InvalidTable: it has another layout.
    """
    document = _object(path)
    if dataset not in document:
        raise InvalidRequest(f"{path} has no data set {shown(dataset)}; {allowed_names(dataset, document)}")
    reader = Reader("nasbench201")
    cells: dict[str, dict[str, float]] = {}
    with _layout(path):
        for name, metrics in document[dataset].items():
            architecture = reader.of_index(name) if name.isdigit() else reader.canonical(name)
            if architecture in cells:
                raise InvalidTable(f"{shown(name)} is there twice")
            cells[architecture] = {_metric(metric): _of_seeds(value) for metric, value in metrics.items()}
    return _table(str(path), cells, [])


class NasBench201Api(Protocol):
    """The official API object, `NASBench201API` of nas_201_api 2 or nats_bench's for the topology space."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> str:
        """An architecture's string."""

    def get_more_info(self, index: int, dataset: str, *, hp: str, is_random: bool) -> Mapping[str, float]:
        """Among others "test-accuracy", in percent."""


#: Data set -> the heading of its column.
_API_DATASETS: Final = {"cifar10": "cifar10_test", "cifar100": "cifar100_test", "ImageNet16-120": "imagenet16_test"}


def from_nasbench201_api(api: NasBench201Api) -> Table:
    """Test accuracies after 200 epochs, means of all trainings, of all architectures that a loaded API object holds.

    The API's own file is a pickle, and a pickle can run any code when it is read. So whoever trusts the file loads it
    with the API, and hands us the object.

    Raises:
        InvalidTable: the object has another interface.
    """
    cells: dict[str, dict[str, float]] = {}
    with _layout("the API object"):
        for index in range(len(api)):
            cells[str(api[index])] = {
                heading: float(api.get_more_info(index, dataset, hp="200", is_random=False)["test-accuracy"])
                for dataset, heading in _API_DATASETS.items()
            }
    return _table("NAS-Bench-201", cells, [], Unit.PERCENT)


def _table(
    source: str, cells: Mapping[str, Mapping[str, float]], notes: list[str], unit: Unit = Unit.FRACTION
) -> Table:
    """Rows by architecture."""
    if not cells:
        raise InvalidTable(f"{source} has no accuracies")
    reader = Reader("nasbench201")
    with _layout(source):
        architectures = tuple(reader.canonical(name) for name in cells)
    if len(set(architectures)) < len(architectures):
        raise InvalidTable(f"{source} has an architecture twice")
    names = {name: None for row in cells.values() for name in row}
    columns = {name: np.array([row.get(name, np.nan) for row in cells.values()], dtype=np.float64) for name in names}
    return Table(
        source, reader.space, architectures, in_percent(source, columns, dict.fromkeys(names, unit), None), tuple(notes)
    )


def _numbered(key: str, value: Any, epsilons: Mapping[str, list[float]]) -> dict[str, float]:
    """One file's numbers of one architecture, by the name of their column."""
    if not isinstance(value, list):
        return {key: float(value)}
    if key in epsilons:
        return {f"{key}_eps{epsilon:g}": float(each) for epsilon, each in zip(epsilons[key], value, strict=True)}
    return {f"{key}_s{severity}": float(each) for severity, each in enumerate(value, start=1)}


def _metric(name: str) -> str:
    """ "val_fgsm_3.0_acc" -> "fgsm_3.0", "val_acc" -> "clean" """
    match = _ROBBENCH_METRIC.fullmatch(name)
    return (match[1] or _CLEAN) if match else name


def _of_seeds(value: Any) -> float:
    if not isinstance(value, dict):
        return float(value)
    return float(value[_MEAN_OF_SEEDS]) if _MEAN_OF_SEEDS in value else fmean(map(float, value.values()))


def _folders(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.is_dir())


@contextmanager
def _layout(what: object) -> Iterator[None]:
    """Whatever does not look as published is told as that."""
    try:
        yield
    except ProxyError as error:
        raise InvalidTable(f"{what}: {error.message}", error.faults) from error
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidTable(
            f"{what} does not have the published layout ({type(error).__name__}: {shown(str(error))}); "
            f"docs/evaluate.md shows it"
        ) from error


def _object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ProxyError):
            raise
        raise InvalidTable(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidTable(f"{path} holds {shown(document)}, not an object")
    return document
