"""Scores the rounds of a search, here or at a service."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

from app.cli.errors import CommandError, UsageError
from app.cli.local_scoring import LocalScoring, load, usable_cores
from app.cli.output import number, quantity
from app.cli.progress import ProgressReport
from app.cli.remote_scoring import RemoteScoring
from app.cli.results import in_input_order, value_of
from app.cli.scoring_request import Accepted, ScoringOptions, ScoringRequest
from app.cli.search_folder import SearchFolder, line_of
from app.cli.service_client import connected, json_of
from app.settings import Settings
from proxy.data import list_batches
from proxy.json_types import JsonObject
from proxy.search import Proposal, Search
from proxy.search.objectives import COSTS, proxies_of
from proxy.spaces._base import ImageShape, Space
from workers.engine_pool import EnginePool

Values: TypeAlias = Mapping[str, float]
#: Items end like this if somebody canceled their job: they may be scored yet.
_CANCELED: Final = "canceled"


def shape_of_batch(options: ScoringOptions, url: str | None) -> tuple[ImageShape, int]:
    """(image, classes) of the batch, which say how many parameters an architecture has.

    Raises:
        UsageError: neither this machine nor the service knows it.
    """
    try:
        batch = load(options)
    except UsageError:
        if url is None or options.batch_file is not None:
            raise
        known = _shape_elsewhere(options.batch, url)
        if known is None:
            raise
        return known
    return batch.image, batch.classes


def _shape_elsewhere(name: str, url: str) -> tuple[ImageShape, int] | None:
    """That of a batch whose images are not on this machine."""
    for source in list_batches(Settings().data_dir):
        if source.name.partition(":")[0] == name.partition(":")[0]:
            return source.image, source.classes
    with connected(url) as client:
        answer = client.get("/v1/batches")
        for batch in json_of(answer).get("uploaded", ()):
            if batch["digest"] == name:
                return ImageShape(**batch["image"]), int(batch["classes"])
    return None


class Rounds:
    """Scores one round after another. Engines of this machine stay until the last."""

    def __init__(self, space: Space[Any], options: ScoringOptions, url: str | None) -> None:
        self._space = space
        self._options = options
        self._url = url
        self._open = ExitStack()
        self._pool: EnginePool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def items(self, proposals: Sequence[Proposal]) -> Generator[JsonObject]:
        """The item of each, as it finishes; `index` is the place among these proposals.

        Raises:
            UsageError, CommandError: as for `LocalScoring` and `RemoteScoring`.
        """
        request = ScoringRequest(self._space, self._options, [self._entry(proposal) for proposal in proposals])
        if self._url is not None:
            yield from RemoteScoring(request, self._url).items()
            return
        scoring = LocalScoring.prepare(request)
        if self._pool is None:
            self._pool = self._open.enter_context(EnginePool(usable_cores()))
        yield from scoring.items(self._pool)

    def _entry(self, proposal: Proposal) -> Accepted:
        architecture = proposal.architecture
        name = f"trial {proposal.number}"
        return Accepted(name, architecture.canonical, self._space.canonical_format, None, architecture)


@dataclass(frozen=True, slots=True)
class Running:
    """A search with what scores it and what keeps it."""

    search: Search
    rounds: Rounds
    folder: SearchFolder | None
    progress: ProgressReport

    def run(self) -> None:
        """To its end.

        Raises:
            NothingAllowed: no architecture is small enough.
            UsageError, CommandError: it cannot go on; what the folder holds is good.
        """
        best = BestSoFar(self.search)
        while proposals := self.search.ask():
            self.search.tell([self._values(line) for line in self._lines(proposals, best)])

    def _lines(self, proposals: Sequence[Proposal], best: BestSoFar) -> list[JsonObject]:
        """The trials of a round: those of an earlier run first."""
        lines = [line for line in map(self._kept, proposals) if line is not None]
        for line in lines:
            best.add(self._values(line))
        missing = proposals[len(lines) :]
        if not missing:
            return lines
        with closing(self.rounds.items(missing)) as items:
            for proposal, item in zip(missing, in_input_order(items), strict=True):
                if item["status"] == _CANCELED:
                    raise CommandError(f"trial {proposal.number} was canceled at the service")
                line = line_of(proposal, item)
                if self.folder is not None:
                    self.folder.append(line)
                lines.append(line)
                values = self._values(line)
                best.add(values)
                self.progress.advance(failed=values is None, note=best.text)
        return lines

    def _kept(self, proposal: Proposal) -> JsonObject | None:
        return None if self.folder is None else self.folder.kept_of(proposal)

    def _values(self, line: JsonObject) -> Values | None:
        """The values of all proxies; None if one has none."""
        names = proxies_of(self.search.plan.objectives)
        found = {name: value for name in names if (value := value_of(line, name)) is not None}
        return found if len(found) == len(names) else None


class BestSoFar:
    """What is said of the search while it runs: the best value by the first objective."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._objective = search.plan.objectives[0]
        self._best: float | None = None
        self._told = 0
        self._trial = ""

    def add(self, values: Values | None) -> None:
        """One more trial has ended."""
        if values is None or self._objective.aggregate is not None:
            return
        value, sign = values[self._objective.name], self._objective.sign
        if self._best is None or sign * value > sign * self._best:
            self._best = value

    @property
    def text(self) -> str:
        """E.g. "best croze 2.3e+06". Aggregates have no value of their own: then it is the trial that was best before
        this round."""
        if self._objective.aggregate is not None:
            return self._best_trial()
        if self._best is None:
            return ""
        shown = quantity(int(self._best)) if self._objective.name in COSTS else number(self._best)
        return f"best {self._objective.name} {shown}"

    def _best_trial(self) -> str:
        """Looked for once a round: all trials are ranked for it."""
        if len(self._search.trials) > self._told:
            self._told, best = len(self._search.trials), self._search.best
            self._trial = "" if best is None else f"best: trial {best.proposal.number}"
        return self._trial
