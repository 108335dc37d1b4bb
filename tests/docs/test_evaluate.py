"""docs/evaluate.md: its command gives what it shows, its Python runs, its names are those of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from proxy.evaluation.pairs import Options
from proxy.evaluation.selection import DEFAULT_TOPS
from proxy.evaluation.targets import ALL_CORRUPTIONS, GROUPS, HRS
from proxy.spaces.nasbench201.index import official_cells
from tests.app.cli.processes import CROZE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "evaluate.md").read_text()
CROZE_COMMAND = re.compile(r"```sh\ncroze (evaluate .*)\n```\n\n```\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_command_prints_what_is_shown() -> None:
    found = CROZE_COMMAND.search(TEXT)
    assert found is not None
    arguments = found[1].split()
    done = subprocess.run([*CROZE, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    shown = [line.rstrip() for line in found[2].splitlines()]
    assert [line.rstrip() for line in done.stdout.splitlines()][: len(shown)] == shown
    assert len(shown) > 10


def test_python_of_the_library_runs() -> None:
    code = PYTHON.findall(TEXT)[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a 0.")


def test_python_of_the_export_runs(tmp_path: Path) -> None:
    """With something in the place of the benchmark's own package, whose data are gigabytes."""
    cell = official_cells()[0].canonical
    stand_in = f"""
class Api:
    def __len__(self): return 1
    def __getitem__(self, index): return {cell!r}
    def get_more_info(self, index, dataset, hp, is_random): return {{"test-accuracy": 90.5}}

def create(path, space, fast_mode, verbose): return Api()
"""
    (tmp_path / "nats_bench.py").write_text(stand_in)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{PYTHON.findall(TEXT)[0]}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "arch,cifar10_test", "[%],cifar100_test", "[%],imagenet16_test", "[%]", f"{cell},90.5,90.5,90.5"
    ]  # fmt: skip


def test_targets_and_defaults_are_those_of_the_code() -> None:
    rows: dict[str, str] = dict(re.findall(r"^\| `(\w+)` \| mean of (.*) \|$", TEXT, re.MULTILINE))
    assert rows.pop(ALL_CORRUPTIONS) == "all 15"
    assert rows == {group: ", ".join(members) for group, members in GROUPS.items()}
    assert f"| `{HRS}R` |" in TEXT
    assert f"default {Options().resamples:,}" in TEXT
    assert DEFAULT_TOPS == ("10", "50", "100", "1%")
    assert "k is 10, 50, 100 and 1 %" in TEXT
