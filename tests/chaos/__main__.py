"""`make chaos`: a long storm, and what happened in it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.storm import run


def main() -> None:
    """Run, report, and exit with 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    sys.stdout.write(f"about eight minutes: {chosen.kills} kills, jobs of {chosen.items} items, seed {chosen.seed}\n")
    with tempfile.TemporaryDirectory(prefix="croze-chaos-") as folder:
        report = run(Path(folder), kills=chosen.kills, items=chosen.items, seed=chosen.seed)
    sys.stdout.write(f"{report}\n")


if __name__ == "__main__":
    main()
