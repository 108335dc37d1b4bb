"""What is said at the end of `croze score`: the first failures by name, the others counted, and how long it took."""

from __future__ import annotations

import time
from typing import Any, Final

from app.cli.progress import duration
from app.cli.results import failures
from app.cli.scoring_request import ScoringRequest
from app.cli.terminal import stderr
from proxy.json_types import JsonObject

_FAILURES_SHOWN: Final = 10


class Summary:
    """Counts the items of one run. Holds a line for each of the first failures, and no item."""

    def __init__(self, request: ScoringRequest) -> None:
        self.failed = 0
        self._request = request
        self._shown: list[str] = []
        self._started = time.monotonic()

    def add(self, item: JsonObject) -> None:
        """One more item has ended."""
        if item["status"] == "scored":
            return
        self.failed += 1
        if len(self._shown) < _FAILURES_SHOWN:
            index: Any = item["index"]
            reasons = "; ".join(failures(item) or [str(item["status"])])
            self._shown.append(f"{self._request.entries[index].where}: {reasons}")

    def show(self, scored: int | None = None) -> None:
        """Say it. `scored` counts those of earlier runs too."""
        console, options, total = stderr(), self._request.options, len(self._request.entries)
        for line in self._shown:
            console.print(line, style="red", markup=False, soft_wrap=True)
        if self.failed > len(self._shown):
            console.print(f"... and {self.failed - len(self._shown)} more failed", style="red", soft_wrap=True)
        console.print(
            f"{total - self.failed if scored is None else scored} of {total} scored in "
            f"{duration(time.monotonic() - self._started)}: {', '.join(options.proxies)} on "
            f"{options.batch}, {_seeds(options.seeds)}, {options.precision}",
            style="dim", markup=False, soft_wrap=True,
        )  # fmt: skip


def _seeds(seeds: tuple[int, ...]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
