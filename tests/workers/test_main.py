"""The worker process: what it says and how it exits when it cannot work. Torch is never in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis as redis_driver

from tests.workers.processes import python, read_line
from workers import keys
from workers.main import EXIT_BROKEN, EXIT_SETTINGS


def run_worker(**variables: str) -> subprocess.CompletedProcess[str]:
    """A worker that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "workers.main"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("CROZE_REDIS_URL", "http://example"), ("CROZE_DRAIN_SECONDS", "-1"), ("CROZE_LOG_LEVEL", "loud")],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    ended = run_worker(**{name: value})
    assert ended.returncode == EXIT_SETTINGS
    assert ended.stderr.startswith(f"croze worker: wrong setting: {name}"), "the first line says it"
    assert "Traceback" not in ended.stderr


def test_a_password_that_is_not_there_is_the_first_thing_said(tmp_path: Path) -> None:
    ended = run_worker(CROZE_REDIS_URL="redis://127.0.0.1:1/0", CROZE_REDIS_PASSWORD_FILE=f"{tmp_path}/none")
    assert ended.returncode == EXIT_SETTINGS
    assert ended.stderr.startswith("croze worker: wrong setting: CROZE_REDIS_PASSWORD_FILE")
    assert len(ended.stderr.splitlines()) == 1


def test_a_device_that_is_not_there_ends_the_worker(redis_url: str, redis: redis_driver.Redis) -> None:
    code = """
import sys
from functools import partial
from tests.workers import quick_engine
from workers import engine, main
main.Engine = partial(engine.Engine, quick_engine.COMMAND)
sys.exit(main.main())
"""
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(root), "CROZE_REDIS_URL": redis_url, "CROZE_REQUIRE_DEVICE": "cuda"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == EXIT_BROKEN
    assert "CROZE_REQUIRE_DEVICE is cuda, and the engine computes on cpu" in ended.stderr.splitlines()[0]


def test_records_of_a_newer_release_are_left_alone(redis_url: str, redis: redis_driver.Redis) -> None:
    redis.set(keys.SCHEMA_KEY, keys.SCHEMA + 1)
    ended = run_worker(CROZE_REDIS_URL=redis_url)
    assert ended.returncode == EXIT_BROKEN
    assert "use the newer release" in ended.stderr
    assert redis.keys(f"{keys.PREFIX}*") == []


def test_without_an_engine_it_ends_and_says_why(redis_url: str, redis: redis_driver.Redis) -> None:
    # An engine that cannot be started: as if torch were not installed.
    code = """
import sys
from workers import engine, main
engine.Engine.__init__.__defaults__ = ((sys.executable, "-c", "raise SystemExit('no torch here')"),)
sys.exit(main.main())
"""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "CROZE_REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == EXIT_BROKEN
    assert "no torch here" in ended.stderr
    assert redis.keys(f"{keys.PREFIX}worker:*") == []


def test_the_process_itself_never_imports_torch() -> None:
    code = "import sys; import workers.main; print([name for name in ('torch', 'fastapi') if name in sys.modules])"
    with python(code) as process:
        assert read_line(process) == "[]"
