from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis as redis_driver

from tests.app.cli.conftest import Croze
from workers.embedded_redis import EmbeddedRedis
from workers.settings import connect
from workers.store import Store


@pytest.fixture(autouse=True)
def _server_of_the_user(monkeypatch: pytest.MonkeyPatch, redis_url: str, redis: redis_driver.Redis) -> None:
    monkeypatch.setenv("CROZE_REDIS_URL", redis_url)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CROZE_REDIS_URL")
    monkeypatch.delenv("REDIS_URL", raising=False)


def test_the_token_is_alone_on_standard_output_and_works(croze: Croze, store: Store) -> None:
    done = croze("keys", "add", "alice", "--role", "read")

    assert done.exit_code == 0
    key = store.api_keys.find(done.out.removesuffix("\n"))
    assert key is not None
    assert (key.name, key.role) == ("alice", "read")
    assert key.id in done.err
    assert done.out.strip() not in done.err
    assert "first key" in done.err
    assert "first key" not in croze("keys", "add", "bob").err


def test_the_list_shows_all_keys_and_no_token(croze: Croze, store: Store) -> None:
    assert "there is no key" in croze("keys", "list").err
    tokens = [croze("keys", "add", name).out.strip() for name in ("alice", "alice", "bob")]
    first = store.api_keys.listed()[0]
    croze("keys", "revoke", first.id)

    done = croze("keys", "list")

    lines = done.out.splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["alice", "alice", "bob"]
    assert [line.split()[0] for line in lines if line.count("UTC") == 2] == [first.id], "it alone is revoked"
    for token in tokens:
        assert token.rpartition("_")[2] not in done.out


def test_a_revoked_key_finds_nobody_at_once(croze: Croze, store: Store) -> None:
    old, new = (croze("keys", "add", "alice").out.strip() for _ in range(2))
    key = store.api_keys.find(old)
    assert key is not None

    ambiguous = croze("keys", "revoke", "alice")
    assert ambiguous.exit_code == 2
    assert key.id in ambiguous.err
    done = croze("keys", "revoke", key.id)

    assert (done.exit_code, store.api_keys.find(old)) == (0, None)
    assert store.api_keys.find(new) is not None
    assert "1 key left" in done.err
    assert "lets nobody in" in croze("keys", "revoke", "alice").err, "by name, where one key is left"
    again = croze("keys", "revoke", key.id)
    assert again.exit_code == 2
    assert "valid keys: none" in again.err


@pytest.mark.parametrize("name", ["", "two words", "a" * 65, "-a", "al/ice", "alice\n", "ä"])
def test_names_are_plain(croze: Croze, store: Store, name: str) -> None:
    done = croze("keys", "add", "--", name)

    assert done.exit_code == 2
    assert "allowed" in done.err
    assert not store.api_keys.exist()


def test_roles_are_these(croze: Croze, store: Store) -> None:
    done = croze("keys", "add", "alice", "--role", "root")

    assert done.exit_code == 2
    assert "read, user, admin" in done.err
    assert not store.api_keys.exist()


@pytest.mark.usefixtures("no_server")
def test_keys_can_be_made_before_the_service_runs_and_while_it_does(croze: Croze, tmp_path: Path) -> None:
    folder = ("--data-dir", str(tmp_path))
    first = croze("keys", "add", "alice", *folder)
    assert first.exit_code == 0, first.err

    with EmbeddedRedis(tmp_path / "redis") as server:
        second = croze("keys", "add", "bob", *folder)
        with connect(server.url) as client:
            keys = Store(client).api_keys
            names = [found.name for token in (first.out, second.out) if (found := keys.find(token.strip()))]
    assert names == ["alice", "bob"]
    assert re.findall("alice|bob", croze("keys", "list", *folder).out) == ["alice", "bob"]


def test_a_server_that_is_not_there_is_told_without_its_password(croze: Croze, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("redis://:hunter2@127.0.0.1:1/0", "redis://:hun#ter2@127.0.0.1/0", "http://:hunter2@127.0.0.1"):
        monkeypatch.setenv("CROZE_REDIS_URL", url)
        done = croze("keys", "list")
        assert done.exit_code == 1
        assert "Redis" in done.err
        assert "hun" not in done.err
        assert "ter2" not in done.err
