"""Logs: one line an entry, for people or for machines, and RQ's chatter left out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from redis.exceptions import RedisError

from workers import logs
from workers.settings import connect


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in logs._QUIET}
    root.handlers.clear()
    yield
    root.handlers[:], root.level = handlers, level
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")
    logging.getLogger("workers.main").info("worker %s starts\nnow", "Zoë")
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("workers.main").exception("failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "workers.main", "worker Zoë starts\nnow")
    assert first["time"].endswith("+00:00")
    assert "ZeroDivisionError: division by zero" in second["traceback"]


def test_plain_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("plain", "WARNING")
    logging.getLogger("workers.main").info("hidden")
    logging.getLogger("workers.main").warning("seen")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("WARNING workers.main: seen\n")
    assert "hidden" not in captured.err


def test_rq_is_quiet_unless_it_has_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("plain", "INFO")
    logging.getLogger("rq.worker").info("chatter")
    logging.getLogger("rq.worker").warning("problem")
    captured = capsys.readouterr().err
    assert "chatter" not in captured
    assert "problem" in captured


def test_redis_being_away_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("plain", "INFO")
    try:
        connect("redis://127.0.0.1:1/0").ping()
    except RedisError:
        logging.getLogger("rq.worker").exception("quitting %s...", "me")
    captured = capsys.readouterr().err
    assert "quitting me... Error 111 connecting to 127.0.0.1:1" in captured
    assert "Traceback" not in captured
