"""What a search found: a table on the terminal, a document, and pictures."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from app.cli.basis import Basis
from app.cli.output import number, quantity
from app.cli.search_folder import SearchFolder
from app.cli.terminal import count, stderr, stdout
from proxy.json_types import JsonObject
from proxy.pictures import can_draw
from proxy.search import Search, Trial
from proxy.search.measured import Measured, Standing
from proxy.search.objectives import COSTS
from proxy.search.plots import draw

RESULT: Final = "result.json"
#: How many of the best, or of the front, are shown; the document has the whole front.
SHOWN: Final = 10


class SearchFormat(StrEnum):
    """Values of `--format`."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True)  # without slots, so that something can be kept
class Report:
    """A search that has ended, or as far as it came."""

    search: Search
    asked: Basis
    measured: Measured | None

    @property
    def document(self) -> JsonObject:
        """All of it as JSON: the same for the same trials."""
        search = self.search
        best = search.best
        return {
            "asked": {**self.asked, "budget": search.plan.budget},
            "trials": len(search.trials),
            "failed": sum(trial.values is None for trial in search.trials),
            "exhausted": search.exhausted,
            "best": None if best is None else self._entry(best),
            "front" if self._several else "top": [*map(self._entry, self._listed())],
            "accuracies": None if self.measured is None else [asdict(each) for each in self._standings()],
        }

    def show(self, output_format: SearchFormat) -> None:
        """On standard output."""
        if output_format is SearchFormat.JSON:
            sys.stdout.write(json.dumps(self.document, allow_nan=False) + "\n")
            return
        listed = self._listed()
        if listed:
            stdout().print(self._table(listed[:SHOWN]))
        if len(listed) > SHOWN:
            stdout().print(f"... and {len(listed) - SHOWN} more on the front", style="dim")
        if self.measured is not None:
            for standing in self._standings():
                stdout().print(_sentence(standing), markup=False, soft_wrap=True)

    def write(self, folder: SearchFolder) -> None:
        """Into the folder, with pictures if matplotlib is there.

        Raises:
            CommandError: it cannot be written.
        """
        folder.write(RESULT, self.document)
        if self.search.best is None:
            said = "no picture: no trial has a score"
        elif not can_draw():
            said = "no pictures: they need matplotlib; install it with: pip install 'croze[evaluate]'"
        else:
            said = count(len(draw(self.search, folder.path)), "picture")
        stderr().print(f"written to {folder.path}: {RESULT}, {said}", style="dim", markup=False, soft_wrap=True)

    @property
    def _several(self) -> bool:
        return len(self.search.plan.objectives) > 1

    def _listed(self) -> list[Trial]:
        return self.search.front if self._several else self.search.ranking[:SHOWN]

    def _standings(self) -> list[Standing]:
        return [] if self.measured is None else self.measured.standings(self.search)

    @cached_property
    def _values(self) -> dict[int, dict[str, float]]:
        """Trial -> objective -> its value."""
        scored = [(trial.proposal.number, trial.values) for trial in self.search.trials if trial.values is not None]
        columns = {each.name: each.values([values for _, values in scored]) for each in self.search.plan.objectives}
        return {
            trial: {name: column[place] for name, column in columns.items()} for place, (trial, _) in enumerate(scored)
        }

    def _entry(self, trial: Trial) -> JsonObject:
        proposal = trial.proposal
        values: Any = self._values[proposal.number]
        known: Any = {} if self.measured is None else self.measured.of(proposal.architecture)
        return {
            "trial": proposal.number,
            "architecture": proposal.architecture.canonical,
            "objectives": values,
            "params": proposal.counts.params,
            "macs": proposal.counts.macs,
            "parent": proposal.parent,
            "moves": proposal.moves,
            **({} if self.measured is None else {"accuracies": known}),
        }

    def _table(self, listed: Sequence[Trial]) -> Table:
        names = [each.name for each in self.search.plan.objectives]
        counts = [each for each in COSTS if each not in names]
        targets = [] if self.measured is None else self.measured.targets[:2]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("trial", *names, *counts, *targets):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("architecture", no_wrap=True, overflow="ellipsis")
        values = self._values
        for trial in listed:
            found: dict[str, Any] = self._entry(trial)
            cells = [str(found["trial"]), *(_shown(name, values[found["trial"]][name]) for name in names)]
            cells += [quantity(found[each]) for each in counts]
            known = found.get("accuracies", {})
            cells += [f"{known[target]:.2f}" if target in known else "-" for target in targets]
            table.add_row(*map(Text, [*cells, found["architecture"]]))
        return table


def _shown(name: str, value: float) -> str:
    return quantity(int(value)) if name in COSTS else number(value)


def _sentence(standing: Standing) -> str:
    """How it fared by one target, for people."""
    found = "was not measured" if standing.found is None else f"has {standing.found:.2f} %"
    place = "" if standing.better is None else f" ({standing.better} of {standing.of} have more)"
    tried = "-" if standing.best_tried is None else f"{standing.best_tried:.2f}"
    return (
        f"{standing.target}: the best found {found}{place}; best of all tried {tried}, "
        f"of the table {standing.best:.2f}, mean {standing.mean:.2f}"
    )
