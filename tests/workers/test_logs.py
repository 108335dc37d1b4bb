"""Logs: one line an entry, for people or for machines, and RQ's chatter left out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from redis.exceptions import RedisError

from proxy.task import Score, ScoringTask
from tests.workers.fake_engine import FakeEngine
from tests.workers.jobs import BATCH, submit
from workers import logs
from workers.drain import Drain
from workers.errors import TaskFailed
from workers.settings import WorkerSettings, connect
from workers.store import Store
from workers.workbench import Workbench


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


def test_bound_fields_are_on_every_line_inside(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", "INFO")
    log = logging.getLogger("any")
    with logs.bound(job_id="j", request_id=None):
        log.info("outer")
        with logs.bound(request_id="r"):
            log.info("inner", extra={"fields": {"status": 200}})
    log.info("after")
    outer, inner, after = map(json.loads, capsys.readouterr().err.splitlines())
    assert (outer["job_id"], outer.get("request_id")) == ("j", None)
    assert (inner["job_id"], inner["request_id"], inner["status"]) == ("j", "r", 200)
    assert after.keys() == {"time", "level", "logger", "message", "pid"}


def test_plain_lines_say_what_the_message_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("plain", "INFO")
    with logs.bound(job_id="j-7", request_id="r-8"):
        logging.getLogger("any").info("job j-7: done")
        logging.getLogger("any").info("100% sure")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("any: job j-7: done [request_id=r-8]")
    assert second.endswith("any: 100% sure [job_id=j-7 request_id=r-8]")


def test_what_a_worker_says_of_a_job_carries_its_request(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(task: ScoringTask) -> list[Score]:
        raise TaskFailed("it cannot", "out_of_memory")

    logs.configure("json", "INFO")
    store.batches.put(BATCH)
    bench = Workbench(store, FakeEngine(fail), "me", Drain(60.0), WorkerSettings())
    job_id = submit(store, 1, request_id="from-the-client").spec.id
    bench.work_on(job_id)
    failure, chunk = [json.loads(line) for line in capsys.readouterr().err.splitlines() if job_id in line]
    assert failure["message"] == f"job {job_id}: item 0 failed: out_of_memory: it cannot"
    assert chunk["message"] == f"job {job_id}: 1 of 1 claimed items have ended"
    for line in (failure, chunk):
        assert (line["job_id"], line["request_id"]) == (job_id, "from-the-client")
