"""What `croze demo` scores, and how it shows what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.architectures_file import Entry
from app.cli.output import number, quantity, ranked
from app.cli.ranking import spearman
from app.cli.results import value_of
from app.cli.scoring_request import ScoringOptions, ScoringRequest, check_request
from proxy.data.spec import DEFAULT_BATCH
from proxy.json_types import JsonObject
from proxy.precision import DEFAULT_PRECISION
from proxy.spaces import get_space

PROXY: Final = "croze"
#: Below this a rank correlation says nothing.
MIN_FOR_CORRELATION: Final = 10
#: What our own measurements say (docs): a user must not take the score for more than it is.
FINDING: Final = (
    "Honest finding: the score mostly follows the parameter count (rank correlation 0.97 on all 6,466 distinct "
    "cells), which ranks architectures about as well. Read it beside the size of the network, or ask for "
    "`--aggregate robust`, which ranks these cells better than either: docs/evidence.md. The few accuracies known "
    "for the DARTS genotypes are too few for a correlation."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoArchitecture:
    """One line of the demo."""

    id: str
    architecture: str
    accuracy: float | None
    """Published CIFAR-10 test accuracy in percent; None where we know of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSpace:
    """The architectures of one space, and where their accuracies were published."""

    space: str
    settings: Mapping[str, int]
    sources: Sequence[str]
    architectures: Sequence[DemoArchitecture]

    @property
    def title(self) -> str:
        """The space's name as its paper writes it."""
        return get_space(self.space).title

    def request(self) -> ScoringRequest:
        """What is asked of the service."""
        options = ScoringOptions(
            space=self.space, settings=self.settings, precision=DEFAULT_PRECISION, batch=DEFAULT_BATCH, proxies=(PROXY,)
        )
        return check_request((Entry(each.id, each.architecture, id=each.id) for each in self.architectures), options)

    def accuracy(self, item: JsonObject) -> float | None:
        """The published accuracy of an item."""
        index = item["index"]
        assert isinstance(index, int), "an item has an index"
        return self.architectures[index].accuracy


def load_demo() -> list[DemoSpace]:
    """What demo_architectures.json holds."""
    content: dict[str, Any] = json.loads((files("app.cli") / "demo_architectures.json").read_text("utf-8"))
    return [
        DemoSpace(
            space=space["space"],
            settings=space["settings"],
            sources=space["sources"],
            architectures=[DemoArchitecture(**each) for each in space["architectures"]],
        )
        for space in content["spaces"]
    ]


def show_space(console: Console, space: DemoSpace, items: list[JsonObject]) -> None:
    """The ranking, with published accuracies and where they come from."""
    settings = ", ".join(f"{value} {name}" for name, value in space.settings.items())
    table = Table(
        title=f"{space.title}{f' ({settings})' if settings else ''}", title_style="bold", title_justify="left",
        box=None, pad_edge=False, header_style="bold",
    )  # fmt: skip
    table.add_column("rank", justify="right", style="dim")
    table.add_column("architecture", no_wrap=True)
    for heading in ("croze", "params", "macs", "accuracy %"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for rank, item in enumerate(ranked(items, PROXY), start=1):
        accuracy = space.accuracy(item)
        table.add_row(
            str(rank), str(item["id"]), number(value_of(item, PROXY)), quantity(item["params"]), quantity(item["macs"]),
            "-" if accuracy is None else f"{accuracy:.2f}",
            Text("" if item["connected"] else "disconnected", style="yellow"),
        )  # fmt: skip
    console.print(table)
    for source in space.sources:
        console.print(source, style="dim")
    console.print()


def show_correlations(console: Console, scored: Sequence[tuple[DemoSpace, list[JsonObject]]]) -> None:
    """How far the ranking agrees with published accuracy, and whether the parameter count would have done."""
    table = Table(
        title="Rank correlation (Spearman)", title_style="bold", title_justify="left",
        box=None, pad_edge=False, header_style="bold",
    )  # fmt: skip
    table.add_column("")
    for heading in ("croze, accuracy", "params, accuracy", "croze, params"):
        table.add_column(heading, justify="right")
    for space, items in scored:
        known = [item for item in items if space.accuracy(item) is not None]
        if len(known) < MIN_FOR_CORRELATION:
            continue
        connected = [item for item in known if item["connected"]]
        for label, chosen in ((f"all {len(known)}", known), (f"{len(connected)} connected", connected)):
            table.add_row(f"{space.title}, {label}", *_correlations(space, chosen))
    console.print(table)
    console.print(FINDING, style="dim")


def _correlations(space: DemoSpace, items: Sequence[JsonObject]) -> list[str]:
    scores = [value_of(item, PROXY) or 0.0 for item in items]
    params = [_count(item) for item in items]
    accuracies = [space.accuracy(item) or 0.0 for item in items]
    return [_rho(scores, accuracies), _rho(params, accuracies), _rho(scores, params)]


def show_answer(console: Console, space: DemoSpace, items: list[JsonObject]) -> None:
    """A request to copy, and what the service answered to just that."""
    best = ranked(items, PROXY)[0]
    body = json.dumps({"space": space.space, "architectures": [best["architecture"]]})
    url = "http://127.0.0.1:8000/v1/jobs"
    console.print("\nWith `croze up` running, the same by hand:\n", style="bold")
    console.print(
        f"  curl -s {url} -H 'Content-Type: application/json' \\\n    -d '{body}'", markup=False, soft_wrap=True
    )
    console.print(f"  curl -s {url}/JOB_ID/scores\n", markup=False, soft_wrap=True)
    console.print("and each item of the answer looks like this:\n", style="bold")
    console.print(_indented(best), markup=False, soft_wrap=True, style="dim")


def _rho(x: Sequence[float], y: Sequence[float]) -> str:
    rho = spearman(x, y)
    return "undefined" if rho is None else f"{rho:.2f}"


def _count(item: JsonObject) -> float:
    params = item["params"]
    assert isinstance(params, int), "an item has a parameter count"
    return float(params)


def _indented(item: JsonObject) -> str:
    """JSON with one line a field, and one a field of each score: short enough to read at a glance."""
    lines = []
    for name, value in item.items():
        if name == "scores" and isinstance(value, dict):
            scores = ",\n".join(f"      {json.dumps(proxy)}: {_object(score)}" for proxy, score in value.items())
            lines.append(f'    "scores": {{\n{scores}\n    }}')
        else:
            lines.append(f"    {json.dumps(name)}: {json.dumps(value)}")
    return "  {\n" + ",\n".join(lines) + "\n  }"


def _object(score: object) -> str:
    assert isinstance(score, dict), "a score is an object"
    fields = ",\n".join(f"        {json.dumps(name)}: {json.dumps(value)}" for name, value in score.items())
    return f"{{\n{fields}\n      }}"
