"""The distribution: light, typed, and as its README says."""

from __future__ import annotations

import ast
import pickle
import re
import subprocess
import sys
from pathlib import Path

import croze_client
import pytest
from croze_client import (
    ApiError,
    Client,
    CrozeError,
    IncompatibleServer,
    LocalServerFailed,
    Options,
    WaitTimeout,
    progress,
)
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
    said = _Said()
    with working(store):
        exec(compile(first.replace("print(", "said.append("), "README", "exec"), {"said": said})  # noqa: S102
    assert said.times == 3


@pytest.mark.parametrize(
    "error",
    [
        ApiError(422, {"detail": "it is wrong; mend it", "code": "c", "faults": [{"at": "seed"}], "request_id": "r"}),
        WaitTimeout("it has not ended", "wait", job_id="j"),
        IncompatibleServer("a job without 'id'", "0.1.0", None),
        LocalServerFailed("it did not start"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_come_through_a_pool_of_processes(error: CrozeError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


class _Said:
    times = 0

    def append(self, architecture: object, score: object, error: object) -> None:
        self.times += 1
        assert (architecture is None) == (score is None) == (error is not None)


def test_a_bar_with_the_counts_is_written_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # a terminal, as far as rich can see
    for shown in (reporting(True), progress._rich()):
        with shown as report:
            report(Progress(0, 3, 0))
            report(Progress(3, 3, 1))
            sys.stdout.write("of the caller\n")
        said = capsys.readouterr()
        assert said.out == "of the caller\n"
        assert "3/3" in said.err


@pytest.mark.parametrize("wanted", [None, False, True])
def test_nothing_is_written_where_no_bar_is_wanted_or_there_is_nothing_to_draw_it(
    wanted: bool | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("tqdm.auto", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with reporting(wanted) as report:
        report(Progress(0, 1, 0))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
