"""Keys that let clients in: who they are for, and what they may do. The tokens themselves are not kept.

A token is 256 random bits, so a plain SHA-256 of it cannot be searched backwards: what makes slow hashes necessary
for passwords, that people choose them, is not so here. A lookup is by the key's id, which is no secret, and the
digests are compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import replace
from typing import Final

from workers import keys
from workers.records import ApiKey, Role
from workers.store import codec
from workers.store.wire import Wire

#: A prefix by which scanners for leaked secrets can know it.
_TOKEN: Final = re.compile(r"croze_([0-9a-f]{12})_([0-9a-f]{64})")
#: Compared against when there is no such key, so that this takes as long.
_NOBODY: Final = "0" * 64


class ApiKeys:
    """All keys that ever were: a revoked one stays as a record, so that the service does not fall open again."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def add(self, name: str, role: Role) -> tuple[ApiKey, str]:
        """A new key and its token, which nobody can read again. Several keys may have one name."""
        secret = secrets.token_hex(32)
        key = ApiKey(id=secrets.token_hex(6), name=name, role=role, digest=_digest(secret), created_at=self._now())
        self._wire.command("HSET", keys.API_KEYS, key.id, codec.api_key_to_json(key))
        return key, f"croze_{key.id}_{secret}"

    def find(self, token: str) -> ApiKey | None:
        """The key of that token. None: no such key, or it was revoked."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        key = self._get(match[1])
        matches = hmac.compare_digest(_digest(match[2]), _NOBODY if key is None else key.digest)
        return key if matches and key is not None and key.revoked_at is None else None

    def lets_in(self, key_id: str) -> bool:
        """Whether a key of that id is there, and has not been revoked."""
        key = self._get(key_id)
        return key is not None and key.revoked_at is None

    def exist(self) -> bool:
        """Whether there is a key, or ever was one."""
        return bool(self._wire.command("EXISTS", keys.API_KEYS))

    def listed(self) -> list[ApiKey]:
        """All keys, oldest first, revoked ones included."""
        found: list[bytes] = self._wire.command("HVALS", keys.API_KEYS)
        return sorted(map(codec.api_key_from_json, found), key=lambda key: (key.created_at, key.id))

    def revoke(self, key_id: str) -> ApiKey | None:
        """Let it in no more, from now on. None: no such key. One that was revoked before stays as it was."""
        key = self._get(key_id)
        if key is None or key.revoked_at is not None:
            return key
        revoked = replace(key, revoked_at=self._now())
        self._wire.command("HSET", keys.API_KEYS, key_id, codec.api_key_to_json(revoked))
        return revoked

    def _now(self) -> float:
        seconds, microseconds = self._wire.command("TIME")
        return int(seconds) + int(microseconds) / 1e6

    def _get(self, key_id: str) -> ApiKey | None:
        found: bytes | None = self._wire.command("HGET", keys.API_KEYS, key_id)
        return None if found is None else codec.api_key_from_json(found)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
