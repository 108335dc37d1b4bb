"""The two guides are followed to the letter: their code is put where they say, and their tests are run.

A copy of the packages is changed, never the packages themselves.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python file=(\S+)\n(.*?)```", re.DOTALL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project as a newcomer would have it before following a guide."""
    for folder in ("proxy", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    # The fixtures of the other packages are not needed here, and neither are the packages.
    (tmp_path / "tests" / "conftest.py").unlink()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def blocks(guide: str) -> dict[str, str]:
    """The code of a guide, by the file it belongs in."""
    return dict(BLOCK.findall((ROOT / "docs" / guide).read_text()))


def run_tests(project: Path, *selected: str) -> None:
    """Run them in the changed copy, which has to come before the real packages on the path."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *selected]
    environment = {**os.environ, "PYTHONPATH": str(project), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(r"\d+ passed", done.stdout), done.stdout


def append_entry(table: Path, before: str, entry: str) -> None:
    text = table.read_text()
    assert text.count(before) == 1, f"{table.name} no longer has the line {before!r}"
    table.write_text(text.replace(before, entry))


def test_add_a_proxy(copy: Path) -> None:
    code = blocks("add-a-proxy.md")
    assert set(code) == {"l1_norm.py", "entry.py", "test_l1_norm.py"}
    (copy / "proxy/proxies/l1_norm.py").write_text(code["l1_norm.py"])
    (copy / "tests/proxy/proxies/test_l1_norm.py").write_text(code["test_l1_norm.py"])
    entry = code["entry.py"].split("ENTRY = ")[1].strip()
    append_entry(copy / "proxy/proxies/__init__.py", "    for proxy in (\n", f"    for proxy in (\n{entry},\n")
    run_tests(copy, "tests/proxy/proxies/test_l1_norm.py")


def test_add_a_space(copy: Path) -> None:
    code = blocks("add-a-space.md")
    assert set(code) == {"chain/__init__.py", "chain/model.py", "test_chain.py"}
    for file in ("chain/__init__.py", "chain/model.py"):
        (copy / "proxy/spaces/chain").mkdir(exist_ok=True)
        (copy / "proxy/spaces" / file).write_text(code[file])
    (copy / "tests/proxy/spaces/test_chain.py").write_text(code["test_chain.py"])
    table = copy / "proxy/spaces/__init__.py"
    append_entry(table, "for space in (NASBENCH201, DARTS)", "for space in (NASBENCH201, DARTS, CHAIN)")
    append_entry(
        table,
        "from proxy.spaces.darts import DARTS\n",
        "from proxy.spaces.chain import CHAIN\nfrom proxy.spaces.darts import DARTS\n",
    )
    # The contracts of all proxies hold on the new space too.
    run_tests(copy, "tests/proxy/spaces/test_chain.py", "tests/proxy/proxies/test_counts.py")
    run_tests(copy, "tests/proxy/proxies/test_croze.py", "-k", "TestOfficial or TestPaper")
