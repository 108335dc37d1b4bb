"""The edge to the driver: the one place with untyped replies, and the one that translates its errors.

`redis-py` types every reply as `Awaitable[Any] | Any`, and its shape depends on the protocol. So commands are
sent as they are written in Redis' manual, and whoever sends one says what comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final, TypeAlias

import redis
from redis.client import Pipeline
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from workers.errors import StoreError, StoreFull, StoreUnavailable
from workers.store.scripts import Script
from workers.timings import measured

Part: TypeAlias = str | bytes | int | float
Command: TypeAlias = tuple[Part, ...]

#: Replies of a server that is there and cannot take writes now. It is BUSY if it was suspended within a script.
_CANNOT_WRITE: Final = ("MISCONF", "READONLY", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "BUSY ")
#: What a transaction is refused with whose last command found no memory left: no error of its own to the driver.
_FULL: Final = "because of: OOM "

#: What TLS says, and what to do about it.
_TLS_REPAIRS: Final = {
    "certificate is not valid for": "use a name in the URL that its certificate is for",
    "certificate has expired": "renew its certificate",
    "CERTIFICATE_VERIFY_FAILED": "if that server is yours, name the file of the authority that signed its certificate: "
    "rediss://...?ssl_ca_certs=FILE",
    "NO_CERTIFICATE_OR_CRL_FOUND": "the file of ssl_ca_certs holds no certificate in PEM format",
    "WRONG_VERSION_NUMBER": "nobody speaks TLS there; use its other port, or redis://",
}


class Wire:
    """Sends commands, transactions and scripts. Every method raises only `StoreError`s."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection

    def command(self, *parts: Part) -> Any:
        """One command."""
        with self.translated():
            return self._send(*parts)

    def transaction(self, *commands: Command, also: Callable[[Pipeline], object] | None = None) -> list[Any]:
        """Several commands in one MULTI; their replies in order. `also` may add more."""
        with self.translated(), self.connection.pipeline(transaction=True) as pipeline:
            pipeline.multi()
            send: Callable[..., Any] = pipeline.execute_command
            for command in commands:
                send(*command)
            if also is not None:
                also(pipeline)
            return pipeline.execute()

    def script(self, script: Script, keys: Sequence[str], args: Sequence[Part] = ()) -> Any:
        """Run a script, sending its text only if the server does not know it (any more)."""
        sha, text = self._scripts[script]
        with self.translated():
            try:
                return self._send("EVALSHA", sha, len(keys), *keys, *args)
            except NoScriptError:
                return self._send("EVAL", text, len(keys), *keys, *args)

    def script_command(self, script: Script, keys: Sequence[str], args: Sequence[Part]) -> Command:
        """A script as part of a transaction, with its text: in MULTI nobody can be asked for it."""
        _, text = self._scripts[script]
        return ("EVAL", text, len(keys), *keys, *args)

    @property
    def _send(self) -> Callable[..., Any]:
        return self.connection.execute_command

    @cached_property
    def _scripts(self) -> dict[Script, tuple[str, str]]:
        texts = {script: script.read() for script in Script}
        return {script: (self.connection.register_script(text).sha, text) for script, text in texts.items()}

    @contextmanager
    def translated(self) -> Iterator[None]:
        """The driver's errors as ours.

        Raises:
            StoreUnavailable: the server cannot be reached, is loading, cannot write, or does not allow it.
            StoreFull: it has no memory left.
            StoreError: it refused the command, which is a mistake of ours.
        """
        try:
            with measured("store"):
                yield
        except OutOfMemoryError as error:
            raise self._full() from error
        except AuthenticationError as error:
            raise StoreUnavailable(
                f"{self.server} does not accept this user or password: {error}; set the right one in the URL or in "
                f"CROZE_REDIS_PASSWORD_FILE, and start anew"
            ) from error
        except (RedisConnectionError, RedisTimeoutError, OSError) as error:
            raise StoreUnavailable(f"{self.server} does not answer: {error}{_repair(error)}") from error
        except NoPermissionError as error:
            raise StoreUnavailable(
                f"{self.server} does not allow: {error}; give this user what docker/redis/users.acl says of it"
            ) from error
        except ResponseError as error:
            if _FULL in str(error):
                raise self._full() from error
            # Not `startswith`: in a transaction, the driver puts the command in front.
            if any(code in str(error) for code in _CANNOT_WRITE):
                raise StoreUnavailable(f"{self.server} takes no writes: {error}") from error
            raise StoreError(f"{self.server} refused a command: {error}") from error
        except RedisError as error:
            raise StoreError(f"{self.server}: {error}") from error

    def _full(self) -> StoreFull:
        return StoreFull(
            f"{self.server} has reached its memory limit; raise maxmemory, delete jobs, or wait until they expire"
        )

    @property
    def server(self) -> str:
        """Where the server is, without its password."""
        kwargs = self.connection.get_connection_kwargs()
        if "path" in kwargs:
            return f"Redis at {kwargs['path']}"
        return f"Redis at {kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}"


def _repair(error: Exception) -> str:
    """What to do about a connection that could not be made secure; nothing if that is not what is wrong."""
    return next((f"; {repair}" for sign, repair in _TLS_REPAIRS.items() if sign in str(error)), "")
