"""Runs the command in this process, as the console script would."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from app.cli.main import main


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left behind."""

    exit_code: int
    out: str
    err: str


Croze: TypeAlias = Callable[..., Finished]


@pytest.fixture
def croze(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Croze:
    """`croze("score", "index:12", stdin="")`."""

    def run(*arguments: str, stdin: str = "") -> Finished:
        monkeypatch.setattr(sys, "argv", ["croze", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        code: object = 0
        try:
            main()
        except SystemExit as error:
            code = error.code
        captured = capsys.readouterr()
        return Finished(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run
