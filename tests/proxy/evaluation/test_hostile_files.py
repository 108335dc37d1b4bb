"""Whatever a file holds, reading it ends in a table or in the documented error."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.errors import ProxyError
from proxy.evaluation.accuracies import read_accuracies
from proxy.evaluation.scores import read_scores
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
READERS: list[Callable[[Path], object]] = [read_accuracies, lambda path: read_scores([path])]


@pytest.mark.parametrize("reader", READERS, ids=["accuracies", "scores"])
@pytest.mark.parametrize("name", ["table.csv", "table.json"])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES, max_size=25))
def test_files_of_pieces(tmp_path: Path, name: str, reader: Callable[[Path], object], pieces: list[str]) -> None:
    (tmp_path / name).write_text("".join(pieces), newline="")
    with suppress(ProxyError):
        reader(tmp_path / name)


@pytest.mark.parametrize("reader", READERS, ids=["accuracies", "scores"])
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_files_of_bytes(tmp_path: Path, reader: Callable[[Path], object], content: bytes) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with suppress(ProxyError):
        reader(tmp_path / "table.csv")
