"""Every example runs as it is, where its library is."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SEARCHES = {path.stem: path for path in sorted(EXAMPLES.glob("*_search.py")) if path.stem != "plain_search"}
CELL = re.compile(r"\|\w+~0\|\+\|\w+~0\|\w+~1\|\+\|\w+~0\|\w+~1\|\w+~2\|")


@pytest.mark.parametrize("name", SEARCHES)
def test_the_example_finds_something(name: str) -> None:
    library = name.removesuffix("_search")
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed here")
    command = [sys.executable, "-W", "ignore", str(SEARCHES[name])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert CELL.search(done.stdout), done.stdout
