"""The drawings show the table that the code has."""

from __future__ import annotations

import re
from pathlib import Path

from workers.records import TERMINAL_ITEM, TERMINAL_JOB
from workers.states import ITEM_CHANGES, JOB_CHANGES

PAGE = (Path(__file__).parents[2] / "docs" / "state-machine.md").read_text()


def arrows(drawing: str) -> dict[tuple[str, str], str]:
    return {
        (start, end): cause for start, end, cause in re.findall(r"^ +(\S+) --> (\S+): (.+)$", drawing, re.MULTILINE)
    }


def test_the_drawings_are_the_tables() -> None:
    job, item = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", PAGE, re.DOTALL)
    assert arrows(job) == JOB_CHANGES
    assert arrows(item) == ITEM_CHANGES


def test_ends_are_the_states_that_nothing_but_forgetting_leads_out_of() -> None:
    living = {state for pair in JOB_CHANGES for state in pair} - {"[*]", "expired", "deleted"}
    left = {start for start, end in JOB_CHANGES if end not in ("expired", "deleted")}
    assert living - left == TERMINAL_JOB
    assert {end for _, end in ITEM_CHANGES} - {start for start, _ in ITEM_CHANGES} == TERMINAL_ITEM
