"""Whatever a file holds, reading it ends in a table or in the documented error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.errors import ProxyError
from proxy.evaluation import InvalidRequest, InvalidTable
from proxy.evaluation.accuracies import read_accuracies
from proxy.evaluation.members import Table
from proxy.evaluation.scores import Scores, read_scores
from proxy.spaces import get_space
from proxy.spaces.nasbench201.index import official_cells

CELL = official_cells()[5].canonical
#: What tables are made of, and what breaks them.
PIECES = st.sampled_from([
    "arch", "index", "clean", "croze", ",", ",", "\n", "\n", "\r\n", '"', CELL, "5", "0.5", "90", "-1", "1e999", "nan",
    "9" * 400, "[%]", "#", " ", "\x00", "é", "\ufeff", "{", "}", "[[",
    '{"scores": {}}', "[" * 20_000, '": 1' + "0" * 400,
    '{"architecture": 5, "scores": null}', '{"cifar10": {"0": {"val_acc": 0.5}}}', '{"cifar10": {"0": {"val_acc',
    '{"architecture": "' + CELL + '", "settings": {}, "scores": {"a": {}}}',
])  # fmt: skip
OTHER = official_cells()[77].canonical
#: Lines that are whole, so that some files are read.
LINES = st.sampled_from([
    f"{CELL},0.5\n", f"{OTHER},0.25\n", f"{OTHER},\n", f"{CELL},nan\n", f"{OTHER},1e999\n", f"{CELL},-1\n",
    f"{CELL},90\n", f"{OTHER},1,2\n", "resnet,0.5\n",
])  # fmt: skip
TABLES = st.builds("".join, st.lists(PIECES, max_size=25)) | st.builds(
    lambda heading, lines: heading + "".join(lines),
    st.sampled_from(["arch,clean\n", "# from elsewhere\narch,clean [%]\n"]),
    st.lists(LINES, max_size=4),
)
Reader = Callable[[Path], Table | Scores]
READERS: list[Reader] = [read_accuracies, lambda path: read_scores([path])]


def check_read(reader: Reader, path: Path) -> None:
    """A table with all that a table promises, or an error that says something."""
    try:
        table = reader(path)
    except ProxyError as error:
        check_error(error)
    else:
        check_table(table)


def check_error(error: ProxyError) -> None:
    assert isinstance(error, InvalidTable | InvalidRequest)
    assert error.code in {"invalid_table", "invalid_evaluation"}
    assert error.message.strip()
    assert all(fault.at and fault.problem and fault.repair for fault in error.faults)


def check_table(table: Table | Scores) -> None:
    space, rows = get_space(table.space), len(table.architectures)
    assert rows > 0
    assert len(set(table.architectures)) == rows
    assert all(space.parse(each).architecture.canonical == each for each in table.architectures)
    assert table.columns
    for column in table.columns.values():
        assert column.shape == (rows,)
        assert column.dtype == np.float64
        assert not np.isinf(column).any()
        if isinstance(table, Table):
            assert ((column >= 0) & (column <= 100) | np.isnan(column)).all()


@pytest.mark.parametrize("reader", READERS, ids=["accuracies", "scores"])
@pytest.mark.parametrize("name", ["table.csv", "table.json"])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TABLES)
def test_files_of_pieces(tmp_path: Path, name: str, reader: Reader, text: str) -> None:
    (tmp_path / name).write_text(text, newline="")
    check_read(reader, tmp_path / name)


@pytest.mark.parametrize("reader", READERS, ids=["accuracies", "scores"])
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
@example(content=f"arch,clean\n{CELL},0.5\n{OTHER},inf\n{CELL},0.5\n".encode())
@example(content=f"arch,clean\n{CELL},0.5\n{CELL},0.25\n".encode())
def test_files_of_bytes(tmp_path: Path, reader: Reader, content: bytes) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    check_read(reader, tmp_path / "table.csv")
