"""The distribution: light, typed, and as its README says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import croze_client
from croze_client import Client, Options, progress
from croze_client.client import Client as Blocking
from croze_client.progress import Progress, reporting

from tests.client.conftest import working
from workers.store import Store

CLIENT = Path(__file__).parents[2] / "client"
README = (CLIENT / "README.md").read_text()


def methods(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_importing_it_imports_little() -> None:
    code = "import sys, croze_client; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "numpy", "pydantic", "app", "workers", "proxy", "redis", "tqdm", "optuna"} & set(loaded)


def test_both_clients_have_the_same_methods() -> None:
    assert methods(croze_client.AsyncClient) - {"aclose"} == methods(Client) - {"close"}


def test_all_that_is_exported_exists_and_is_typed() -> None:
    assert all(hasattr(croze_client, name) for name in croze_client.__all__)
    assert (CLIENT / "croze_client" / "py.typed").exists()


def test_the_readme_names_what_there_is(url: str, store: Store) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    used = {name for block in blocks for name in re.findall(r"client\.(\w+)", block)}
    for block in blocks:
        ast.parse(block)
    assert len(used) > 5
    assert used <= methods(Blocking)
    options = re.search(r"for all of a client's: (.*?)\.\n", README, re.DOTALL)
    assert options is not None
    assert set(re.findall(r"`(\w+)`", options[1])) | {"extra"} == set(Options.__annotations__)
    first = blocks[0].replace("http://127.0.0.1:8000", url)
    with working(store):
        exec(compile(first.replace("print(", "said.append("), "README", "exec"), {"said": _Said()})  # noqa: S102


class _Said:
    def append(self, architecture: object, score: object, error: object) -> None:
        assert (architecture is None) == (score is None) == (error is not None)


def test_bars_are_shown_where_there_is_something_to_show_them() -> None:
    with reporting(True) as report:
        report(Progress(0, 2, 0))
        report(Progress(2, 2, 1))
    with progress._rich() as report:
        report(Progress(1, 2, 0))
    with reporting(None) as report:
        report(Progress(0, 1, 0))
