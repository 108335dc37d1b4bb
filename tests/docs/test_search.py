"""docs/search.md: its commands do what it says, its tables are made of the data, its names are those of the code."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.main import get_command

from app.cli.main import app as cli
from benchmarks.search_comparison import CSV, OBJECTIVES, START, filled, read
from proxy.search import STRATEGIES
from proxy.search.plan import DEFAULT_ROUND
from proxy.search.strategies import DEFAULT_START
from proxy.spaces import SPACES
from proxy.spaces._base import ImageShape
from tests.app.cli.processes import CROZE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "search.md").read_text()
COMMANDS = re.findall(r"^croze (search .*)$", TEXT, re.MULTILINE)
FILES = re.findall(r"^\| `(\w+\.\w+)`(?:, `\.(svg)`)? \|", TEXT, re.MULTILINE)


def finished(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*CROZE, *shlex.split(command)], cwd=folder, capture_output=True, text=True, timeout=290, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_the_first_command_writes_what_is_listed(tmp_path: Path) -> None:
    finished(COMMANDS[0], tmp_path)
    listed = {name for name, _ in FILES} | {Path(name).stem + ".svg" for name, also in FILES if also}
    assert {path.name for path in (tmp_path / "found").iterdir()} | {"front.png", "front.svg"} == listed
    done = finished("evaluate found/trials.jsonl --resamples 0 -a " + str(accuracies(tmp_path)), tmp_path)
    assert "croze" in done.stdout


def accuracies(folder: Path) -> Path:
    source = ROOT / "benchmarks/evidence/nasbench201_accuracies.csv"
    return Path(shutil.copy(source, folder))


@pytest.mark.slow
def test_accuracies_are_looked_up() -> None:
    (command,) = (each for each in COMMANDS if "--accuracies" in each)
    assert re.search(
        r"^clean: the best found has \d\d\.\d\d % \(\d+ of 6466 have more\)",
        finished(command, ROOT).stdout,
        re.MULTILINE,
    )


def test_all_commands_can_be_read() -> None:
    commands: Any = get_command(cli)
    command = commands.commands["search"]
    assert len(COMMANDS) == 3
    for text in COMMANDS:
        command.make_context("search", shlex.split(text)[1:])


def test_tables_are_made_of_the_data() -> None:
    found = read(CSV)
    assert {each.objective for each in found} == {*OBJECTIVES}
    assert filled(TEXT, found) == TEXT, "python -m benchmarks.search_comparison --page"
    assert all(f"<!-- searches for {objective} -->\n| budget |" in TEXT for objective in OBJECTIVES)
    seeds = {each.seed for each in found}
    assert f"{len(seeds)} seeds each, a pool or population of {START}" in TEXT


def test_python_of_the_library_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\|nor_conv_3x3~0\|\+.* \{'macs': \d+\.0\}\n", done.stdout)


def test_names_and_defaults_are_those_of_the_code() -> None:
    assert set(re.findall(r"^\| `([\w-]+)` \| (?:draws|regularised)", TEXT, re.MULTILINE)) == {*STRATEGIES}
    samplers = set(re.findall(r"^\| `(\w+)` \| `(\w+)`", TEXT, re.MULTILINE))
    assert samplers == {(space.name, sampler.name) for space in SPACES.values() for sampler in space.samplers}
    assert f"architectures ({DEFAULT_ROUND}) are proposed" in TEXT
    assert f"The first two draw {DEFAULT_START}, or a quarter" in TEXT


def test_what_is_said_of_the_limit_of_six_million() -> None:
    space, rng = SPACES["darts"], Random(0)
    settings = space.complete_settings({}, 10)
    sizes = {
        sampler.name: [space.counts(sampler.draw(rng), settings, ImageShape(3, 32, 32)).params for _ in range(400)]
        for sampler in space.samplers
    }
    allowed = sum(params <= 6_000_000 for params in sizes["pairs14"])
    assert 0.18 < allowed / 400 < 0.30
    assert "About 24 % of `pairs14`" in TEXT
    assert max(sizes["pairs8"]) < 5_000_000
