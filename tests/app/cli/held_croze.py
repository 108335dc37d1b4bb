"""`croze` on a NAS-Bench-201 of few cells, which waits for its end once its file holds so many. Run as a script."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import islice

from app.cli.main import main
from app.cli.results_file import ResultsFile
from proxy.json_types import JsonObject
from proxy.spaces import SPACES
from proxy.spaces.nasbench201 import NASBENCH201, enumerate_cells

CELLS = 60
#: What waits for a signal that never comes ends by itself.
LONGEST_S = 240


def hold_at(length: int) -> None:
    """Stop the world after that many lines, while engines go on."""
    append = ResultsFile.append

    def append_and_hold(self: ResultsFile, item: JsonObject) -> None:
        append(self, item)
        deadline = time.monotonic() + LONGEST_S
        while len(self) == length and time.monotonic() < deadline:
            time.sleep(0.02)

    ResultsFile.append = append_and_hold  # type: ignore[method-assign]


if __name__ == "__main__":
    SPACES["nasbench201"] = replace(NASBENCH201, enumerate=lambda: islice(enumerate_cells(), CELLS))
    hold_at(int(sys.argv.pop(1)))
    main()
