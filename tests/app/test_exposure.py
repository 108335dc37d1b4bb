"""A service without keys does not start where strangers could reach it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.exposure import Exposed, is_loopback, refuse_exposure, told_host
from app.settings import Access, Settings
from tests.app.conftest import Serve
from workers.store import Store

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "::ffff:127.0.0.1"])
def test_only_this_machine_reaches_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [EVERYWHERE, "::", "192.168.1.2", "8.8.8.8", "::ffff:8.8.8.8", "localhost.evil.example", "", "127.1", "/run/x"],
)
def test_nothing_else_is_taken_for_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("arguments", "environment", "host"),
    [
        (["uvicorn", "app.main:app", "--host", EVERYWHERE], {}, EVERYWHERE),
        (["uvicorn", "--host=::", "app.main:app"], {"UVICORN_HOST": "127.0.0.1"}, "::"),
        (["uvicorn", "app.main:app"], {"UVICORN_HOST": "192.0.2.7"}, "192.0.2.7"),
        (["uvicorn", "app.main:app", "--fd", "3"], {}, None),
        (["uvicorn", "--host"], {}, ""),
    ],
)
def test_what_uvicorn_was_told(arguments: list[str], environment: dict[str, str], host: str | None) -> None:
    assert told_host(arguments, environment) == host


def test_a_key_or_a_word_of_the_operator_is_needed(store: Store) -> None:
    auto = Settings()
    for host in (None, "127.0.0.1"):
        refuse_exposure(host, store, auto)
    others: tuple[Access, ...] = ("keys", "open")
    for access in others:
        refuse_exposure(EVERYWHERE, store, Settings(access=access))

    with pytest.raises(Exposed) as caught:
        refuse_exposure(EVERYWHERE, store, auto)
    for word in (EVERYWHERE, "croze keys add", "CROZE_ACCESS=keys", "CROZE_ACCESS=open"):
        assert word in str(caught.value)
    store.api_keys.add("alice", "user")
    refuse_exposure(EVERYWHERE, store, auto)


def test_without_redis_it_starts_and_asks_for_keys(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UVICORN_HOST", EVERYWHERE)

    client = serve(Settings(redis_url=f"unix://{tmp_path}/nobody.sock"))

    assert client.get("/livez").status_code == 200
    asked = client.get("/v1/jobs", headers={"X-Forwarded-For": "192.0.2.7"})
    assert (asked.status_code, asked.json()["code"]) == (401, "missing_key")
    assert asked.headers["www-authenticate"].startswith("Bearer")


def test_uvicorn_ends_at_once(redis_url: str, store: Store) -> None:
    assert not store.api_keys.exist()
    command = [sys.executable, "-P", "-m", "uvicorn", "app.main:create_app", "--factory", "--port", "0"]

    done = subprocess.run(
        [*command, "--host", EVERYWHERE],
        env={**os.environ, "CROZE_REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode != 0
    assert "no key was ever made" in done.stderr
