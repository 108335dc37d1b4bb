"""Real searches of real libraries over a real service: `python -m tests.adapters PYTHON... [--without LIBRARY...]`.

Each PYTHON is that of an environment with the client and some of the libraries, and without the service. `make
test-adapters` makes them. What a library is missing for is skipped there, as it is by `make test`; but each file has to
run in one of them, apart from those of the libraries that are named.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from croze_client import local_server

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
#: The environments do not have what the project's own settings for pytest and its fixtures need.
OPTIONS: Final = ("-rs", "-c", str(HERE / "pytest.ini"), "--rootdir", str(ROOT), "--noconftest")


def main(pythons: list[str], without: list[str]) -> int:
    """The exit code: 0 if every file has run but those of `without`, and all that has run has passed."""
    waiting = {path.name for path in HERE.glob("test_*.py")} - {f"test_{library}.py" for library in without}
    failed = False
    with local_server() as client:
        environment = {**os.environ, "CROZE_URL": client.url, "PYTHONPATH": str(ROOT)}
        for python in pythons:
            command = [python, "-m", "pytest", *OPTIONS, str(HERE)]
            done = subprocess.run(command, env=environment, cwd=ROOT, text=True, capture_output=True, check=False)
            sys.stdout.write(done.stdout + done.stderr)
            failed = failed or done.returncode != 0
            waiting -= set(re.findall(r"^tests/adapters/(test_\w+\.py) s*[.FE]", done.stdout, re.MULTILINE))
    if waiting:
        sys.stdout.write(f"in no environment: {', '.join(sorted(waiting))}\n")
    return int(failed or bool(waiting))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.adapters")
    parser.add_argument("pythons", nargs="+")
    parser.add_argument("--without", nargs="*", default=[])
    given = parser.parse_args()
    sys.exit(main(given.pythons, given.without))
