"""Every example runs as it is, where its library is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = {path.stem: path for path in sorted((Path(__file__).parents[2] / "examples").glob("*.py"))}
del EXAMPLES["plain_search"]  # it starts a service of its own: tests/client has it
CELL = re.compile(r"\|\w+~0\|\+\|\w+~0\|\w+~1\|\+\|\w+~0\|\w+~1\|\w+~2\|")
#: What these leave behind, and how long they wait for a busy machine, is not for the home of who runs the tests.
SETTINGS = {"RAY_worker_niceness": "0"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_finds_something(name: str, tmp_path: Path) -> None:
    library = "croze_client" if name == "naslib_scores" else name.removesuffix("_search")
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed here")
    if "CROZE_URL" not in os.environ:
        pytest.skip("no service was started for this")
    environment = {**os.environ, **SETTINGS, "HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", str(EXAMPLES[name])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert CELL.search(done.stdout), done.stdout
