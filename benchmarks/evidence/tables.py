"""The tables of docs/evidence.md. Each is a function without arguments that returns Markdown."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from proxy.evaluation import Options, Pair, evaluate_columns, log_rank, spearman_difference
from proxy.evaluation.accuracies import read_accuracies
from proxy.evaluation.evaluation import Evaluation, evaluate
from proxy.evaluation.ranks import mean_ranks
from proxy.evaluation.scores import read_scores

HERE: Final = Path(__file__).parent
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Floats]

ROBUST: Final = "croze+jacob_cov"
#: What the preset was chosen by, on one half of the cells.
CHOSEN_BY: Final = ("clean", "fgsm_1", "corruptions")
#: Proxies of the largest sums that were tried.
MOST: Final = 4
SEED_OF_HALVES: Final = 0
FEW: Final = Options(resamples=0, tops=())
SOME: Final = Options(resamples=1000, tops=())


@cache
def all_cells() -> Evaluation:
    """Every cheap score of all distinct cells, and the sum."""
    return evaluated("nasbench201_scores.csv", "nasbench201_accuracies.csv", aggregates=[ROBUST], given=["params"])


@cache
def dear_cells() -> Evaluation:
    """1,500 of them, with the dear scores too."""
    return evaluated(
        "nasbench201_scores.csv", "nasbench201_dear_scores.csv", "nasbench201_accuracies.csv", aggregates=[ROBUST]
    )


@cache
def genotypes() -> Evaluation:
    """DARTS."""
    return evaluated("darts_scores.csv", "darts_accuracies.csv", aggregates=[ROBUST], given=["params"], options=SOME)


def evaluated(
    *files: str,
    aggregates: Sequence[str] = (),
    given: Sequence[str] = (),
    targets: Sequence[str] = (),
    options: Options = FEW,
) -> Evaluation:
    """Score files, and last one of accuracies."""
    *scores, accuracies = (HERE / file for file in files)
    table = read_accuracies(accuracies)
    wanted = targets or [*table.columns]
    return evaluate(read_scores(scores), table, targets=wanted, aggregates=aggregates, given=given, options=options)


def correlations() -> str:
    """Spearman's rho of every score with every target."""
    return by_target(all_cells(), lambda pair: pair.spearman.value)


def beyond_size() -> str:
    """The same with parameters held fixed."""
    return by_target(all_cells(), lambda pair: pair.partial.value, leave_out=("params", "macs"))


def dear() -> str:
    """Spearman's rho on the cells that have dear scores, where all scores are defined."""
    evaluation = dear_cells()
    defined = np.all([np.isfinite(column) for column in evaluation.scores.values()], axis=0)
    columns = {name: column[defined] for name, column in evaluation.scores.items()}
    columns[ROBUST] = log_rank({name: columns[name] for name in ROBUST.split("+")})
    targets = {target.name: target.values[defined] for target in evaluation.targets}
    rows = [
        [f"`{name}`", *(shown(rho(column, values)) for values in targets.values())] for name, column in columns.items()
    ]
    rows.sort(key=lambda row: -sum(map(float, row[1:])))
    return markdown([f"score ({int(defined.sum())} cells)", *(name.replace("_", " ") for name in targets)], rows)


def by_target(evaluation: Evaluation, number: Callable[[Pair], float | None], leave_out: Sequence[str] = ()) -> str:
    """Rows are scores, the best on average first; columns are targets."""
    targets = [target.name for target in evaluation.targets]
    found = {(pair.score, pair.target): number(pair) for pair in evaluation.pairs}
    scores = [score for score in evaluation.scores if score not in leave_out]
    scores.sort(key=lambda score: -float(np.mean([found[score, target] or 0.0 for target in targets])))
    rows = [[f"`{score}`", *(shown(found[score, target]) for target in targets)] for score in scores]
    return markdown(["score", *(target.replace("_", " ") for target in targets)], rows)


@cache
def halves() -> tuple[npt.NDArray[np.bool_], Columns, Columns]:
    """(which rows the choice is made on, scores, targets) of the cells for which every proxy is defined."""
    evaluation = all_cells()
    singles = {name: column for name, column in evaluation.scores.items() if name != ROBUST}
    defined = np.all([np.isfinite(column) for column in singles.values()], axis=0)
    scores = {name: column[defined] for name, column in singles.items()}
    targets = {target.name: target.values[defined] for target in evaluation.targets}
    rows = int(defined.sum())
    chosen_on = np.random.default_rng(SEED_OF_HALVES).permutation(rows) < rows // 2
    return chosen_on, scores, targets


def candidates() -> list[tuple[str, ...]]:
    """Every single proxy, and every sum of up to four. `macs` ranks as `params` does here."""
    _, scores, _ = halves()
    names = [name for name in scores if name != "macs"]
    return [names_ for count in range(1, MOST + 1) for names_ in itertools.combinations(names, count)]


@cache
def merits() -> list[tuple[float, tuple[str, ...]]]:
    """(mean rho over `CHOSEN_BY` on the first half, proxies) of every candidate, best first."""
    rows, scores, targets = halves()
    half = {name: column[rows] for name, column in scores.items()}
    logs = {name: log_rank({name: column}) for name, column in half.items()}
    columns = {names: np.sum([logs[name] for name in names], axis=0) for names in candidates()}
    wanted = np.stack([mean_ranks(targets[name][rows]) for name in CHOSEN_BY])
    found = [(float(np.corrcoef(mean_ranks(column), wanted)[0, 1:].mean()), names) for names, column in columns.items()]
    return sorted(found, key=lambda each: (-each[0], each[1]))


def choice() -> str:
    """The best candidates of every size, on the half that the choice was made on."""
    rows = []
    for count in range(1, MOST + 1):
        of_size = [each for each in merits() if len(each[1]) == count]
        rows += [[str(count), f"`{'+'.join(names)}`", f"{merit:.3f}"] for merit, names in of_size[:3]]
    return markdown(["proxies", "score", "mean of three rho"], rows)


def held_half() -> str:
    """The preset and what it is to be better than, on the other half, with intervals."""
    rows, scores, targets = halves()
    other = {name: column[~rows] for name, column in scores.items()}
    columns = {ROBUST: log_rank({name: other[name] for name in ROBUST.split("+")}), **other}
    held = {name: targets[name][~rows] for name in CHOSEN_BY}
    pairs = {(pair.score, pair.target): pair for pair in evaluate_columns(columns, held, options=SOME)}
    order = sorted(columns, key=lambda name: -sum(pairs[name, target].spearman.value or 0 for target in held))
    cells = [[f"`{name}`", *(interval(pairs[name, target].spearman) for target in held)] for name in order]
    return markdown(["score", *(target.replace("_", " ") for target in held)], cells)


def differences() -> str:
    """How much better the preset predicts than each single score, paired, on the other half."""
    rows, scores, targets = halves()
    other = {name: column[~rows] for name, column in scores.items()}
    robust = log_rank({name: other[name] for name in ROBUST.split("+")})
    cells = [
        [
            f"`{name}`",
            *(interval(spearman_difference(robust, column, targets[target][~rows], SOME)) for target in CHOSEN_BY),
        ]
        for name, column in other.items()
    ]
    return markdown(["better than", *(target.replace("_", " ") for target in CHOSEN_BY)], cells)


def regret() -> str:
    """What is lost by taking the best of the ten best scored, on the other half: percentage points."""
    rows, scores, targets = halves()
    other = {name: column[~rows] for name, column in scores.items()}
    columns = {ROBUST: log_rank({name: other[name] for name in ROBUST.split("+")}), **other}
    wanted = (*CHOSEN_BY, "pgd_1", "cifar100")
    cells = []
    for name, column in columns.items():
        best = np.argsort(-column, kind="stable")[:10]
        lost = [float(values.max() - values[best].max()) for values in (targets[each][~rows] for each in wanted)]
        cells.append([f"`{name}`", *(f"{each:.1f}" for each in lost)])
    return markdown(["best 10 by", *(target.replace("_", " ") for target in wanted)], cells)


def darts() -> str:
    """Spearman's rho on DARTS, and with parameters held fixed."""
    rows = [
        [
            f"`{pair.score}`",
            interval(pair.spearman),
            interval(pair.partial) if pair.score not in ("params", "macs") else "",
        ]
        for pair in genotypes().pairs
    ]
    return markdown(["score", "rho", "given params"], rows)


def repeats() -> str:
    """Agreement between seeds, and between batches, of 300 cells; and what a mean of several is worth."""
    rows = []
    for kind, meaning in (("seed", "another seed"), ("batch", "eight other images")):
        of_kind = repeated(kind)
        for proxy in ("croze", "jacob_cov", "nwot"):
            columns = [of_kind[proxy, number] for number in range(1, 8)]
            agreement = [rho(one, other) for one, other in itertools.combinations(columns, 2)]
            clean = of_kind["clean", 0]
            single = [rho(column, clean) for column in columns]
            means = rho(np.mean(columns, axis=0), clean)
            rows.append(
                [
                    f"`{proxy}`",
                    meaning,
                    f"{np.mean(agreement):.3f}",
                    f"{np.mean(single):.3f} ({min(single):.3f} to {max(single):.3f})",
                    f"{means:.3f}",
                ]
            )
    header = [
        "score",
        "what differs",
        "rho between two",
        "rho with clean: one (worst to best of seven)",
        "mean of seven",
    ]
    return markdown(header, rows)


def repeated(kind: str) -> Mapping[tuple[str, int], Floats]:
    """(proxy, number) -> a column; ("clean", 0) -> the accuracies. Cells for which all are defined."""
    lines = (HERE / "nasbench201_repeats.csv").read_text().splitlines()
    header, *body = [line.split(",") for line in lines]
    proxies = header[3:]
    values: dict[tuple[str, int], dict[int, float]] = {}
    for row in body:
        if row[0] == kind:
            for proxy, cell in zip(proxies, row[3:], strict=True):
                values.setdefault((proxy, int(row[1])), {})[int(row[2])] = float(cell) if cell else math.nan
    clean = dict(zip(cell_indexes(), all_cells_target("clean"), strict=True))
    cells = [index for index in values["croze", 1] if all(math.isfinite(column[index]) for column in values.values())]
    columns = {key: np.array([column[index] for index in cells]) for key, column in values.items()}
    return {**columns, ("clean", 0): np.array([clean[index] for index in cells])}


def images() -> str:
    """What 64 images instead of 8 are worth, on 300 cells."""
    wide = evaluated("nasbench201_64_images.csv", "nasbench201_accuracies.csv")
    narrow = dict(zip(all_cells().architectures, range(len(all_cells().architectures)), strict=True))
    rows = np.array([narrow[each] for each in wide.architectures])
    cells = []
    for proxy in ("jacob_cov", "nwot"):
        for count, column in ((8, all_cells().scores[proxy][rows]), (64, wide.scores[proxy])):
            numbers = [shown(rho_of_defined(column, wide_target(wide, target))) for target in CHOSEN_BY]
            both = log_rank({"croze": all_cells().scores["croze"][rows], proxy: column})
            sums = [shown(rho_of_defined(both, wide_target(wide, target))) for target in CHOSEN_BY]
            cells.append([f"`{proxy}`", str(count), *numbers, *sums])
    targets = [target.replace("_", " ") for target in CHOSEN_BY]
    return markdown(
        [f"score ({len(rows)} cells)", "images", *targets, *(f"{target}, with `croze`" for target in targets)], cells
    )


def cell_indexes() -> list[int]:
    """The official numbers of the cells of `all_cells`, in its order."""
    lines = (HERE / "nasbench201_scores.csv").read_text().splitlines()[1:]
    return [int(line.partition(",")[0]) for line in lines]


def all_cells_target(name: str) -> Floats:
    return wide_target(all_cells(), name)


def wide_target(evaluation: Evaluation, name: str) -> Floats:
    (values,) = (target.values for target in evaluation.targets if target.name == name)
    return values


def rho(one: Floats, other: Floats) -> float:
    """Spearman's."""
    return float(np.corrcoef(mean_ranks(one), mean_ranks(other))[0, 1])


def rho_of_defined(one: Floats, other: Floats) -> float:
    """Of the rows in which both are numbers."""
    both = np.isfinite(one) & np.isfinite(other)
    return rho(one[both], other[both])


def shown(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def interval(estimate: object) -> str:
    """A number with its 95 % interval."""
    value, low, high = (getattr(estimate, name) for name in ("value", "low", "high"))
    return "" if value is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


#: By the name that the page gives it.
TABLES: Final[Mapping[str, Callable[[], str]]] = {
    function.__name__: function
    for function in (
        correlations,
        beyond_size,
        dear,
        choice,
        held_half,
        differences,
        regret,
        darts,
        repeats,
        images,
    )
}
