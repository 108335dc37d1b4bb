"""Keys let in whoever holds their token, and nothing of a token is kept."""

from __future__ import annotations

import hashlib

import pytest
import redis as redis_driver

from workers import keys
from workers.store import Store


def test_a_token_finds_its_key_and_is_not_kept(store: Store, redis: redis_driver.Redis) -> None:
    key, token = store.api_keys.add("alice", "user")
    other, _ = store.api_keys.add("bob", "admin")

    assert store.api_keys.find(token) == key
    assert (key.name, key.role, key.revoked_at) == ("alice", "user", None)
    assert store.api_keys.listed() == sorted([key, other], key=lambda each: (each.created_at, each.id))
    secret = token.rpartition("_")[2]
    kept = str(redis.hgetall(keys.API_KEYS))
    assert secret not in kept
    assert hashlib.sha256(secret.encode()).hexdigest() in kept


def test_tokens_are_long_random_and_alike_in_nothing(store: Store) -> None:
    tokens = [store.api_keys.add("alice", "user")[1] for _ in range(20)]

    secrets = {token.rpartition("_")[2] for token in tokens}
    assert len(secrets) == len({token.split("_")[1] for token in tokens}) == 20
    assert all(len(secret) == 64 and set(secret) <= set("0123456789abcdef") for secret in secrets)


@pytest.mark.parametrize("change", ["other secret", "other id", "cut", "longer", "upper case", "empty", "newline"])
def test_anything_else_finds_none(store: Store, change: str) -> None:
    key, token = store.api_keys.add("alice", "user")
    secret = token.rpartition("_")[2]
    wrong = {
        "other secret": f"croze_{key.id}_{'0' * 64}",
        "other id": f"croze_{'0' * 12}_{secret}",
        "cut": token[:-1],
        "longer": f"{token}0",
        "upper case": token.upper(),
        "empty": "",
        "newline": f"{token}\n",
    }[change]

    assert store.api_keys.find(wrong) is None
    assert store.api_keys.find(token) == key


def test_a_revoked_key_is_shown_and_lets_nobody_in(store: Store) -> None:
    old, old_token = store.api_keys.add("alice", "user")
    new, new_token = store.api_keys.add("alice", "user")

    revoked = store.api_keys.revoke(old.id)

    assert revoked is not None
    assert revoked.revoked_at is not None
    assert store.api_keys.find(old_token) is None
    assert store.api_keys.find(new_token) == new
    assert store.api_keys.revoke(old.id) == revoked, "the first time counts"
    assert not store.api_keys.lets_in(old.id)
    assert store.api_keys.lets_in(new.id)
    assert not store.api_keys.lets_in("0" * 12), "there is no such key"
    assert revoked in store.api_keys.listed()
    assert store.api_keys.revoke("nobody") is None


def test_once_there_was_a_key_there_always_was_one(store: Store) -> None:
    assert not store.api_keys.exist()
    key, _ = store.api_keys.add("alice", "user")
    store.api_keys.revoke(key.id)

    assert store.api_keys.exist(), "else the service would fall open with its last key"
