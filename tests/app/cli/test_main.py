from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.app.cli.conftest import Croze


def test_version(croze: Croze) -> None:
    assert croze("--version").out == f"croze {version('croze')}\n"


@pytest.mark.parametrize("command", ["up", "score", "validate", "convert", "demo", "workers", "doctor", "keys"])
def test_every_command_has_a_help_text(croze: Croze, command: str) -> None:
    assert f" {command} " in croze("--help").out
    assert "Usage" in croze(command, "-h").out


@pytest.mark.parametrize("arguments", [("frobnicate",), ("score", "--format", "xml"), ("up", "--port", "70000")])
def test_a_wrong_command_line_ends_with_2(croze: Croze, arguments: tuple[str, ...]) -> None:
    assert croze(*arguments).exit_code == 2


def test_the_command_never_imports_torch() -> None:
    script = "import sys, app.cli.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", script], check=False, timeout=60).returncode == 0
