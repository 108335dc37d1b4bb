"""Settings come from CROZE_*, and the connection repeats nothing by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from workers import keys
from workers.settings import DEFAULT_REDIS_URL, StoreSettings, WorkerSettings, connect, explained, with_password


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CROZE_REDIS_URL", "REDIS_URL", "CROZE_CHUNK_SECONDS", "CROZE_JOB_RETENTION"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_word_there_are_defaults() -> None:
    assert WorkerSettings().redis_url == DEFAULT_REDIS_URL
    assert StoreSettings().job_retention == keys.RETENTION_S


def test_both_names_of_the_url_are_read_ours_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://general/0")
    assert WorkerSettings().redis_url == "redis://general/0"
    monkeypatch.setenv("CROZE_REDIS_URL", "redis://ours/0")
    assert WorkerSettings().redis_url == "redis://ours/0"
    assert WorkerSettings(redis_url="redis://given/0").redis_url == "redis://given/0"


def test_variables_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROZE_CHUNK_SECONDS", "3.5")
    monkeypatch.setenv("CROZE_JOB_RETENTION", "0")
    assert WorkerSettings().chunk_seconds == 3.5
    with pytest.raises(ValidationError, match="job_retention"):
        StoreSettings()


def test_the_driver_never_repeats_a_command() -> None:
    connection = connect("redis://127.0.0.1:1/0")
    retry = connection.get_retry()
    assert retry is not None
    assert retry.get_retries() == 0
    assert connection.get_connection_kwargs()["socket_timeout"] < keys.LEASE_S


def test_leases_and_beats_keep_the_promise() -> None:
    assert keys.LEASE_S > 3 * keys.HEARTBEAT_S
    assert keys.LEASE_S + keys.RECONCILE_S <= 10
    assert keys.WORKER_S <= 10


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://redis:6379/0", "redis://:p%2F%40%23w@redis:6379/0"),
        ("rediss://worker@db/1?ssl_cert_reqs=none", "rediss://worker:p%2F%40%23w@db/1?ssl_cert_reqs=none"),
        ("redis://worker:@[::1]:7000", "redis://worker:p%2F%40%23w@[::1]:7000"),
        ("unix:///run/r.sock", "unix://:p%2F%40%23w@/run/r.sock"),
    ],
)
def test_a_password_can_be_in_a_file(tmp_path: Path, url: str, expected: str) -> None:
    file = tmp_path / "password"
    file.write_text("p/@#w\n")
    assert with_password(url, file) == expected
    assert connect(expected).get_connection_kwargs()["password"] == "p/@#w"  # noqa: S105
    assert with_password(url, None) == url
    settings = WorkerSettings(redis_url=url, redis_password_file=file)
    assert settings.redis_url == expected
    assert "w@" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"\n", "alone on one line"), (b"a\nb", "alone"), (b"\xff", "no text")],
)
def test_a_file_without_a_password_is_named(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValidationError) as caught:
        WorkerSettings(redis_password_file=file)
    fault = explained(caught.value)
    assert fault.startswith(f"CROZE_REDIS_PASSWORD_FILE={file}: ")
    assert told in fault
    assert "\n" not in fault


def test_two_passwords_are_one_too_many_and_neither_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hunter2")
    with pytest.raises(ValidationError) as caught:
        WorkerSettings(redis_url="redis://:hunter3@redis/0", redis_password_file=file)
    fault = explained(caught.value)
    assert "leave one of them out" in fault
    assert "hunter" not in fault
