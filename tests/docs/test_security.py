"""docs/security.md says what is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ByteSize

from app.cli import keys as keys_command
from app.cli.keys import ROLES
from app.errors import PROBLEMS
from app.gate import OPEN_PATHS
from app.http_protocol import HEAD_TIMEOUT, MAX_HEAD
from app.settings import Access, Settings
from workers.store.admission import CACHE_SHARE, ITEM_BYTES, MEMORY_SHARE, OUTCOME_BYTES, SCORE_BYTES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
PRODUCT = sorted(path for folder in ("app", "workers", "proxy") for path in (ROOT / folder).rglob("*.py"))


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that has this first heading, without its head."""
    table = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def test_limits_are_those_of_the_settings() -> None:
    named = {}
    for _, setting, default, answer in rows("limit"):
        (name,) = re.findall(r"`CROZE_(\w+)`", setting)
        field = Settings.model_fields[name.lower()]
        value = field.default
        shown = ByteSize(value).human_readable() if isinstance(value, ByteSize) else f"{value:,}"
        assert default.replace(" ", "") == shown.replace(".0", ""), name
        status, code = answer.split()
        assert PROBLEMS[code.strip("`")].status == int(status)
        named[name] = value
    assert len(named) == 7
    head = PROBLEMS["head_too_large"].status
    assert f"headers) of more than {MAX_HEAD // 1024} KiB is refused with {head} `head_too_large`" in TEXT
    assert f"sends none within {HEAD_TIMEOUT:g} s is closed" in TEXT
    assert f"above {CACHE_SHARE:.0%}, workers forget".replace("%", " %") in TEXT
    assert f"{MEMORY_SHARE:.0%}".replace("%", " %") in TEXT
    proxy = OUTCOME_BYTES + SCORE_BYTES
    assert f"{(ITEM_BYTES + proxy) / 1024:g} KiB an item for one proxy and one seed" in TEXT
    assert f"{proxy / 1024:g} KiB for each further proxy, {SCORE_BYTES / 1024:.1f} KiB for each further seed" in TEXT


def test_roles_and_commands_and_modes_are_those_that_exist() -> None:
    assert sorted(role.strip("`") for role, _ in rows("role")) == sorted(ROLES)
    commands = {
        command.name or command.callback.__name__
        for command in keys_command.app.registered_commands
        if command.callback
    }
    assert {*re.findall(r"^croze keys (\w+)", TEXT, re.MULTILINE)} == commands
    paragraph = TEXT.partition("`CROZE_ACCESS` says")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)` \(", paragraph) == [*get_args(Access)]


def test_open_paths_are_these() -> None:
    sentence = TEXT.partition("These paths are open to all: ")[2].partition(". They")[0]
    assert {*re.findall(r"`([^`]+)`", sentence)} == {path.rstrip("/") for path in OPEN_PATHS}


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!https)([^)#]+)", TEXT):
        assert (ROOT / "docs" / target).exists(), target


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_ever_run_and_no_pickle_read_but_by_the_one_that_builds_arrays(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    forbidden = {"marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml"}
    if path != ROOT / "proxy" / "data" / "pickles.py":
        forbidden.add("pickle")
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                assert not forbidden & {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module)):
                assert module.partition(".")[0] not in forbidden
            case ast.Call(func=ast.Name(id=name)):
                assert name not in {"eval", "exec", "compile", "__import__"}
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr=name)):
                assert name != "load"
            case ast.keyword(arg="allow_pickle" | "shell", value=value):
                assert isinstance(value, ast.Constant)
                assert value.value is False
