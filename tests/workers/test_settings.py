"""Settings come from CROZE_*, and the connection repeats nothing by itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from workers import keys
from workers.settings import DEFAULT_REDIS_URL, StoreSettings, WorkerSettings, connect


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
