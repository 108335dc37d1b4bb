"""The rules about files that no linter knows (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = sorted(path for folder in ("app", "workers", "proxy") for path in (ROOT / folder).rglob("*.py"))
#: A distribution of its own: not `client.croze_client`.
CLIENT = sorted((ROOT / "client").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module) -> set[str]:
    """Every module that may be imported by the file, inside functions too, except for type checkers only."""
    found: set[str] = set()
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        nodes.extend(ast.iter_child_nodes(node))
    return found


TREES = {module_name(path): ast.parse(path.read_text()) for path in PRODUCT}
MARKED = {name for name, tree in TREES.items() if (ast.get_docstring(tree) or "").startswith("[T]")}


@pytest.mark.parametrize("name", TREES)
def test_files_are_marked_exactly_if_they_import_torch(name: str) -> None:
    heavy = {module for module in imports(TREES[name]) if module.split(".")[0] == "torch" or module in MARKED}
    if name in MARKED:
        assert heavy, f"{name} is marked [T] and imports nothing heavy; remove the mark"
    else:
        assert not heavy, f"{name} imports {sorted(heavy)}; begin its docstring with [T], or name it by dotted string"


@pytest.mark.parametrize("path", [*PRODUCT, *CLIENT, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_small_and_named_for_what_they_hold(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in [*PRODUCT, *TESTS]}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]
