"""What searching is worth on NAS-Bench-201: three strategies, several budgets and objectives, many seeds.

    python -m benchmarks.search_comparison             # about a minute
    python -m benchmarks.search_comparison --seeds 3

All 15,625 cells were scored once at the default settings (proxy/reference_scores), so that a search here looks scores
up instead of computing them: it proposes what `croze search` does for the same seeds. Accuracies are those of
benchmarks/evidence/nasbench201_accuracies.csv; a cell that is not in it has those of its class.

Writes benchmarks/results/search_comparison.csv, a line for each search and budget, or the file that --out names.
`python -m benchmarks.search_comparison --page` writes the tables of docs/search.md from it, and its pictures, which
need matplotlib.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import mean, median, stdev
from typing import Final

import numpy as np

from proxy.evaluation.accuracies import read_accuracies
from proxy.search import STRATEGIES, Plan, Proposal, Search, make_plan
from proxy.search.measured import Measured
from proxy.search.objectives import points_of, proxies_of, read_objectives
from proxy.search.pareto import front
from proxy.spaces import get_space
from proxy.spaces._base import ImageShape
from proxy.spaces.nasbench201.index import official_cells, official_index

ROOT: Final = Path(__file__).parents[1]
CSV: Final = ROOT / "benchmarks/results/search_comparison.csv"
PAGE: Final = ROOT / "docs/search.md"
ACCURACIES: Final = ROOT / "benchmarks/evidence/nasbench201_accuracies.csv"
SCORES: Final = ROOT / "proxy/reference_scores"
IMAGE: Final = ImageShape(3, 32, 32)
OBJECTIVES: Final = ("croze", "robust", "croze,macs", "params:max")
BUDGETS: Final = (100, 200)
SEEDS: Final = 20
#: Of the warm-up pool and the population, at every budget.
START: Final = 50
RANDOM: Final = "random"
TARGETS: Final = ("clean", "fgsm_1")

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one search had found once its budget was spent."""

    objective: str
    strategy: str
    budget: int
    seed: int
    index: int
    """Official index of the best cell."""
    rank: int
    """Of the best by the first objective among all cells: 1 is the best of all."""
    clean: float
    """CIFAR-10 test accuracy of the best, percent."""
    fgsm_1: float
    best_tried: float
    """The highest clean accuracy of all that it scored."""
    front: float
    """Share of the front of all cells that it found."""


class Everything:
    """The whole space, scored and measured."""

    def __init__(self) -> None:
        space = get_space("nasbench201")
        settings = space.complete_settings({}, 10)
        counts = [space.counts(cell, settings, IMAGE) for cell in official_cells()]
        self.columns: dict[str, Sequence[float]] = {
            "params": [float(each.params) for each in counts],
            "macs": [float(each.macs) for each in counts],
        }
        for proxy in ("croze", "jacob_cov"):
            with np.load(SCORES / f"nasbench201_{proxy}.npz", allow_pickle=False) as arrays:
                self.columns[proxy] = arrays["scores"].tolist()
        self.measured = Measured(read_accuracies(ACCURACIES, targets=TARGETS), TARGETS)

    def values(self, index: int, proxies: Iterable[str]) -> Values | None:
        """The cell's values; None if it has none by one of these proxies."""
        found = {proxy: self.columns[proxy][index] for proxy in proxies}
        return None if any(np.isnan(value) for value in found.values()) else found

    def standing(self, objective: str) -> tuple[dict[int, int], frozenset[int]]:
        """(cell -> its rank by the first objective, the front), of all cells that have values."""
        objectives = read_objectives(objective)
        scored = {index: self.values(index, proxies_of(objectives)) for index in range(len(official_cells()))}
        known = {index: values for index, values in scored.items() if values is not None}
        points = dict(zip(known, points_of(objectives, [*known.values()]), strict=True))
        firsts = sorted(-point[0] for point in points.values())
        ranks = {index: bisect_left(firsts, -point[0]) + 1 for index, point in points.items()}
        cells = [*points]
        return ranks, frozenset(cells[place] for place in front([*points.values()]))


def main() -> None:
    options = read_options()
    if options.page:
        PAGE.write_text(filled(PAGE.read_text("utf-8"), read(CSV)), "utf-8")
        draw_pictures(PAGE.parent)
        return
    everything, found = Everything(), list[Found]()
    for objective in OBJECTIVES:
        standing = everything.standing(objective)
        for strategy in STRATEGIES:
            for seed in range(options.seeds):
                found += compare(everything, objective, strategy, seed, *standing)
            sys.stderr.write(f"{objective} {strategy}\n")
    with options.out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Found)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(each) for each in found)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, default=CSV)
    parser.add_argument("--page", action="store_true", help="write the tables of docs/search.md")
    return parser.parse_args()


def compare(
    everything: Everything, objective: str, strategy: str, seed: int, ranks: Mapping[int, int], best: frozenset[int]
) -> Iterator[Found]:
    """One search, at every budget: a smaller one would have ended with the first of its trials."""
    search = run(everything, plan_of(objective, strategy, max(BUDGETS), seed))
    for budget in BUDGETS:
        cut = Search(search.plan)
        cut.trials = search.trials[:budget]
        assert cut.best is not None, "some cells have scores"
        accuracies = everything.measured.of(cut.best.proposal.architecture)
        tried = [everything.measured.of(trial.proposal.architecture)["clean"] for trial in cut.trials]
        index = official_index()[cut.best.proposal.architecture.canonical]
        members = {official_index()[trial.proposal.architecture.canonical] for trial in cut.trials}
        yield Found(
            objective=objective,
            strategy=strategy,
            budget=budget,
            seed=seed,
            index=index,
            rank=ranks[index],
            clean=round(accuracies["clean"], 3),
            fgsm_1=round(accuracies["fgsm_1"], 3),
            best_tried=round(max(tried), 3),
            front=round(len(members & best) / len(best), 4),
        )


def plan_of(objective: str, strategy: str, budget: int, seed: int) -> Plan:
    """That of `croze search --space nasbench201` with these options, and a pool or population of 50."""
    return make_plan(
        "nasbench201",
        settings=get_space("nasbench201").complete_settings({}, 10),
        image=IMAGE,
        strategy=strategy,
        objectives=objective,
        budget=budget,
        seed=seed,
        start=START if "start" in STRATEGIES[strategy].uses else None,
    )


def run(everything: Everything, plan: Plan) -> Search:
    """A search to its end, by look-ups."""
    search, index, proxies = Search(plan), official_index(), proxies_of(plan.objectives)

    def values(proposal: Proposal) -> Values | None:
        return everything.values(index[proposal.architecture.canonical], proxies)

    while proposals := search.ask():
        search.tell([values(proposal) for proposal in proposals])
    return search


def draw_pictures(folder: Path) -> None:
    """Those of one search for two objectives."""
    from proxy.search.plots import draw

    search = run(Everything(), plan_of("croze,macs", "warmup-move", 200, seed=0))
    with tempfile.TemporaryDirectory() as drawn:
        for path in draw(search, Path(drawn)):
            shutil.copy(path, folder / f"search-{path.name.replace('_', '-')}")


def read(path: Path) -> list[Found]:
    """What was written."""
    kinds = {field.name: {"int": int, "float": float, "str": str}[str(field.type)] for field in fields(Found)}
    with path.open(newline="") as stream:
        return [Found(**{name: kinds[name](text) for name, text in row.items()}) for row in csv.DictReader(stream)]


#: Where a table goes: between a comment that names its objective and one that ends it.
_PLACE: Final = re.compile(r"(<!-- searches for (?P<objective>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, found: Sequence[Found]) -> str:
    """The page with every table made anew."""
    return _PLACE.sub(
        lambda place: place[1] + table([each for each in found if each.objective == place["objective"]]) + place[3],
        page,
    )


def table(found: Sequence[Found]) -> str:
    """Markdown: a line for each budget and strategy."""
    several = "," in found[0].objective
    heads = ["budget", "strategy", "rank of the best", *(["front found"] if several else [])]
    heads += ["clean accuracy", "under FGSM 1/255", "against random", "best tried"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for budget in BUDGETS:
        for strategy in STRATEGIES:
            rows = [each for each in found if (each.budget, each.strategy) == (budget, strategy)]
            drawn = {each.seed: each.clean for each in found if (each.budget, each.strategy) == (budget, RANDOM)}
            cells = [str(budget), f"`{strategy}`", f"{median(each.rank for each in rows):g}"]
            cells += [f"{mean(each.front for each in rows):.0%}"] if several else []
            cells += [spread([each.clean for each in rows]), spread([each.fgsm_1 for each in rows])]
            cells += ["-" if strategy == RANDOM else verdict([each.clean - drawn[each.seed] for each in rows])]
            lines.append(f"| {' | '.join([*cells, spread([each.best_tried for each in rows])])} |")
    return "\n".join(lines) + "\n"


def spread(values: Sequence[float]) -> str:
    """ "93.70 ± 0.12": mean and standard deviation over the seeds."""
    return f"{mean(values):.2f} ± {stdev(values):.2f}"


def verdict(differences: Sequence[float]) -> str:
    """ "12 better, 3 equal, 5 worse": in so many seeds."""
    better, worse = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
    return f"{better} better, {len(differences) - better - worse} equal, {worse} worse"


if __name__ == "__main__":
    main()
