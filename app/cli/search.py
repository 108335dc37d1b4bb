"""`croze search`: finds architectures with good scores, within a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.cli import shared_options
from app.cli.basis import Basis
from app.cli.errors import CommandError, UsageError
from app.cli.interrupts import interruptible
from app.cli.local_scoring import load
from app.cli.progress import report_progress
from app.cli.scoring_request import MAX_SEED, ScoringOptions, check_options, check_settings, read_seeds
from app.cli.search_folder import SearchFolder
from app.cli.search_report import Report, SearchFormat
from app.cli.search_rounds import Rounds, Running, shape_of_batch
from app.cli.shared_options import check_place, settings_given
from app.cli.terminal import stderr
from proxy.data.spec import DEFAULT_BATCH
from proxy.errors import ProxyError
from proxy.evaluation.accuracies import DEFAULT_DATASET, read_accuracies
from proxy.precision import DEFAULT_PRECISION
from proxy.search import STRATEGIES, Plan, Search, make_plan
from proxy.search.measured import Measured
from proxy.search.objectives import proxies_of, read_objectives
from proxy.search.plan import DEFAULT_ROUND
from proxy.search.strategies import get_strategy
from proxy.spaces import SPACES, get_space
from proxy.spread import MAX_SEEDS

EXAMPLES: Final = """
Examples:

  croze search --space nasbench201 --budget 200 --out found

  croze search --space darts --budget 1000 --channels 16 --layers 8 --url http://127.0.0.1:8000 --out found

  croze search --space darts --sampler pairs14 --max-params 6e6 --budget 1000 --out found

  croze search --space nasbench201 --budget 500 --objective robust,macs --strategy evolution --out found

  croze search --space nasbench201 --budget 200 --accuracies measured.csv --target clean

An objective is a proxy, an aggregate (robust, croze+jacob_cov), params or macs.
Of params and macs less is better. NAME:max and NAME:min say it otherwise.

With --out FOLDER each trial is kept as soon as it is there: after Ctrl-C, or
whatever else ended it, the same command goes on and finds the same. A larger
budget goes on too. A FOLDER with a search of other settings is refused.

docs/search.md tells the strategies, and what they are worth.

Exit code: 0 something was found, 1 nothing was, 2 the command line is wrong.
"""

_SAMPLERS: Final = "; ".join(
    f"{space.name}: {', '.join(sampler.name for sampler in space.samplers)}"
    for space in SPACES.values()
    if space.samplers
)


def search_command(
    space: Annotated[str, typer.Option(metavar="SPACE", help=" or ".join(SPACES), show_default=False)],
    budget: Annotated[int, typer.Option(metavar="N", help="Architectures to score in all.", show_default=False)],
    strategy: Annotated[str, typer.Option(metavar="STRATEGY", help=", ".join(STRATEGIES))] = "warmup-move",
    objective: Annotated[
        str,
        typer.Option(metavar="NAME[,NAME]", help="What is wanted. Several: the front of all that no other surpasses."),
    ] = "croze",
    max_params: Annotated[
        float | None, typer.Option(metavar="N", help="Nothing with more parameters is scored, e.g. 6e6.")
    ] = None,
    sampler: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"What is drawn from. {_SAMPLERS}. Default: the first.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of all that the search draws.")] = 0,
    round_size: Annotated[
        int, typer.Option("--round", metavar="N", help="How many are proposed, and scored, together.")
    ] = DEFAULT_ROUND,
    warmup: Annotated[
        int | None, typer.Option(metavar="N", help="warmup-move: drawn first. Default: 50, or a quarter of the budget.")
    ] = None,
    population: Annotated[
        int | None, typer.Option(metavar="N", help="evolution: how many live. Default: 50, or a quarter of the budget.")
    ] = None,
    tournament: Annotated[
        int | None, typer.Option(metavar="N", help="evolution: contenders. Default: a quarter of the population.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Keep trials, result and pictures here.")
    ] = None,
    local: shared_options.Local = False,
    url: shared_options.Url = None,
    weight_seeds: Annotated[
        str,
        typer.Option(metavar="0|0,1,2|0-3", help=f"Of the networks' weights; up to {MAX_SEEDS}: means are searched."),
    ] = "0",
    precision: shared_options.Precision = DEFAULT_PRECISION,
    batch: shared_options.Images = DEFAULT_BATCH,
    channels: shared_options.Channels = None,
    cells: shared_options.Cells = None,
    layers: shared_options.Layers = None,
    classes: shared_options.Classes = None,
    accuracies: Annotated[
        list[Path] | None,
        typer.Option("--accuracies", "-a", metavar="TABLE", help="Measured ones, to look up what was found."),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of the table; may be repeated. See croze evaluate.")
    ] = None,
    output_format: Annotated[SearchFormat, typer.Option("--format", help="Of standard output.")] = SearchFormat.TABLE,
) -> None:
    """Search for architectures with good scores: by moves from the best, by evolution, or at random."""
    check_place(url, local=local)
    if target and not accuracies:
        raise UsageError("--target names a column of a table; name one with --accuracies")
    options = ScoringOptions(
        space=space,
        settings=settings_given(channels, cells, layers, classes),
        proxies=_proxies(objective),
        seeds=read_seeds(weight_seeds),
        precision=precision,
        batch=batch,
    )
    check_options(options)
    plan = _plan(
        options,
        url,
        strategy=strategy,
        objectives=objective,
        budget=budget,
        seed=seed,
        sampler=sampler,
        max_params=None if max_params is None else _whole(max_params),
        round_size=round_size,
        start=_start(strategy, warmup, population),
        tournament=tournament,
    )
    measured = None if not accuracies else _measured(accuracies, plan, target or ())
    with interruptible():
        _run(plan, options, url, out, measured, output_format)


def _run(
    plan: Plan,
    options: ScoringOptions,
    url: str | None,
    out: Path | None,
    measured: Measured | None,
    output_format: SearchFormat,
) -> None:
    search, asked = Search(plan), asked_for(plan, options)
    with nullcontext() if out is None else SearchFolder(out, asked) as folder:
        _search(search, Rounds(plan.space, options, url), folder)
        _end(Report(search, asked, measured), folder, output_format)


def _search(search: Search, scored_by: Rounds, folder: SearchFolder | None) -> None:
    """To its end, with a report of the way."""
    budget = search.plan.budget
    done = 0 if folder is None else min(len(folder.kept), budget)
    if folder is not None and done:
        _say(f"{folder.path} holds {done} of {budget} trials already")
    try:
        with scored_by as rounds, report_progress(stderr(), budget, done=done, label="searching") as progress:
            Running(search, rounds, folder, progress).run()
    except ProxyError as error:
        raise UsageError(error.message) from error
    except UsageError:
        raise
    except (KeyboardInterrupt, CommandError):
        if folder is not None:
            _say(f"what was scored is in {folder.path}; the same command goes on from there")
        raise


def _end(report: Report, folder: SearchFolder | None, output_format: SearchFormat) -> None:
    """Say what was found."""
    search = report.search
    report.show(output_format)
    if folder is not None:
        report.write(folder)
    if search.exhausted:
        _say(f"ended after {len(search.trials)} trials: nothing new is left to propose")
    failed = sum(trial.values is None for trial in search.trials)
    if failed:
        _say(f"{failed} of {len(search.trials)} trials have no score; they count, and nothing was made from them")
    if search.best is None:
        raise CommandError("nothing was found: no trial has a score", ["`croze score` tells why one has none"])


def asked_for(plan: Plan, options: ScoringOptions) -> Basis:
    """All that trials depend on, as people call it: what a folder may be gone on with for."""
    strategy, sizes = plan.strategy, plan.sizes
    first = "population" if "population" in strategy.uses else "warmup"
    return {
        "space": plan.space.name,
        **plan.settings,
        "sampler": plan.sampler.name,
        "strategy": strategy.name,
        **({first: sizes.start} if "start" in strategy.uses else {}),
        **({"tournament": sizes.tournament} if "tournament" in strategy.uses else {}),
        "round": sizes.round,
        "objective": ",".join(objective.text for objective in plan.objectives),
        "max_params": plan.max_params,
        "seed": plan.seed,
        "weight_seeds": ", ".join(map(str, options.seeds)),
        "precision": options.precision,
        "batch": options.batch if options.batch_file is None else load(options).digest,
    }


def _start(strategy: str, warmup: int | None, population: int | None) -> int | None:
    """How many are drawn first, by the name that the strategy has for it."""
    for option, value, owner in (("--warmup", warmup, "warmup-move"), ("--population", population, "evolution")):
        if value is not None and strategy in STRATEGIES and strategy != owner:
            raise UsageError(f"{option} goes with --strategy {owner} only")
    return population if warmup is None else warmup


def _plan(options: ScoringOptions, url: str | None, **asked: Any) -> Plan:
    """The plan, once all that is asked for exists."""
    with _refused():
        space = get_space(str(options.space))
        get_strategy(asked["strategy"])
    image, classes = shape_of_batch(options, url)
    settings = check_settings(space, options.settings, classes)
    with _refused():
        return make_plan(space.name, settings=settings, image=image, **asked)


def _measured(tables: Sequence[Path], plan: Plan, targets: Sequence[str]) -> Measured:
    with _refused():
        table = read_accuracies(*tables, space=plan.space.name, dataset=DEFAULT_DATASET, targets=targets)
        return Measured(table, targets)


def _proxies(objectives: str) -> tuple[str, ...]:
    with _refused():
        return proxies_of(read_objectives(objectives))


def _whole(limit: float) -> int:
    """6e6 as 6000000."""
    if not limit.is_integer():  # neither are nan and inf
        raise UsageError(f"--max-params {limit} is no number of parameters; write 6000000 or 6e6")
    return int(limit)


@contextmanager
def _refused() -> Iterator[None]:
    """What does not exist or does not fit, as an error of the command line."""
    try:
        yield
    except ProxyError as error:
        raise UsageError(error.message, [str(fault) for fault in error.faults]) from error


def _say(text: str) -> None:
    stderr().print(text, style="dim", markup=False, soft_wrap=True)
