"""The whole service on this machine: Redis, API and workers as supervised children."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from app.cli.errors import CommandError
from app.cli.supervisor import Child, Death, ProcessChild, RedisChild, Supervisor
from app.exposure import Exposed, is_loopback, refuse_exposure
from app.settings import Settings
from workers.embedded_redis import EmbeddedRedis
from workers.errors import RedisServerError, StoreError
from workers.settings import connect, with_password
from workers.store import Store

HOST: Final = "127.0.0.1"
#: What listens on all addresses is found at this one.
_REACHED_AT: Final = {"0.0.0.0": HOST, "::": "::1"}  # noqa: S104
#: A worker that starts cold imports torch from disk before it registers.
READY_TIMEOUT_S: Final = 120.0
_READY_POLL_S: Final = 0.2
_PROTOCOLS: Final = ("--no-access-log", "--http", "app.http_protocol:BoundedHttp", "--ws", "none")
#: Else the API would wait for clients that wait: up to a minute for `?wait=`, and without end for a stream.
_GRACE: Final = ("--timeout-graceful-shutdown", "3")


def redis_url_from_environment() -> str | None:
    """The server that the user named, if any, with the password of CROZE_REDIS_PASSWORD_FILE.

    Raises:
        CommandError: that file holds no password.
    """
    url = os.environ.get("CROZE_REDIS_URL") or os.environ.get("REDIS_URL") or None
    file = os.environ.get("CROZE_REDIS_PASSWORD_FILE")
    if url is None or not file:
        return url
    try:
        return with_password(url, Path(file))
    except ValueError as error:
        raise CommandError(f"CROZE_REDIS_PASSWORD_FILE: {error}") from error


@contextmanager
def listening(port: int, host: str = HOST) -> Iterator[socket.socket]:
    """The socket that the API serves. Held here, so that the port is ours before anything starts, and a client that
    connects while the API restarts waits instead of being refused.

    Raises:
        CommandError: the port cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        hint = "another program has it; --port 0 takes any free one" if port else "no port is free"
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}", [hint]) from error
    with server:
        yield server


def url_of(server: socket.socket) -> str:
    """Where a client on this machine finds the socket."""
    host, port = server.getsockname()[:2]
    host = _REACHED_AT.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@dataclass(slots=True)
class LocalService:
    """Redis (unless the user has one), API and workers."""

    data_dir: Path
    server: socket.socket
    workers: int
    on_death: Callable[[Death], None]
    url: str = field(init=False)
    """Where the API answers."""
    embedded: EmbeddedRedis | None = field(init=False)
    supervisor: Supervisor = field(init=False)
    _own_url: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.url = url_of(self.server)
        self.embedded = (
            None
            if redis_url_from_environment()
            else EmbeddedRedis(self.data_dir / "redis", memory=int(Settings().redis_memory))
        )
        logs = self.data_dir / "logs"
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        api = ProcessChild("api", self._api_command(), self._environment, logs / "api.log", (self.server.fileno(),))
        workers = [
            ProcessChild(f"worker-{n}", _python("workers.main"), self._environment, logs / f"worker-{n}.log")
            for n in range(1, self.workers + 1)
        ]
        stages: list[list[Child]] = [[RedisChild(self.embedded)]] if self.embedded else []
        self.supervisor = Supervisor([*stages, [api, *workers]], self.on_death, self._after_restart)

    @property
    def redis_url(self) -> str:
        """The embedded server's URL, else the user's."""
        return self.embedded.url if self.embedded else redis_url_from_environment() or ""

    def start(self) -> None:
        """Start everything once.

        Raises:
            CommandError: Redis cannot be started or reached.
        """
        try:
            if self.embedded is None:
                _check_reachable(self.redis_url)
            self._refuse_exposure()
            self.supervisor.start()
        except (RedisServerError, OSError) as error:
            raise CommandError(str(error)) from error
        self._own_url = self.redis_url

    def _refuse_exposure(self) -> None:
        host = self.server.getsockname()[0]
        if is_loopback(host):
            return
        if self.embedded is not None:
            self.embedded.start()  # the supervisor finds it running
        try:
            with connect(self.redis_url) as client:
                refuse_exposure(host, Store(client), Settings())
        except (Exposed, StoreError) as error:
            if self.embedded is not None:
                self.embedded.stop()
            raise CommandError(str(error)) from error

    def missing(self) -> str | None:
        """What is not ready yet; None once the API is ready and every worker has registered."""
        try:
            # A proxy that the environment names cannot reach our loopback.
            answer = httpx.get(f"{self.url}/readyz", headers=self._host_header(), timeout=2.0, trust_env=False)
        except httpx.TransportError:
            return "the API does not answer"
        if not answer.is_success:
            return f"the API is not ready: {answer.text[:200]}"
        try:
            with connect(self.redis_url) as client:
                registered = len(Store(client).fleet.workers())
        except StoreError as error:
            return str(error)
        return None if registered >= self.workers else f"{registered} of {self.workers} workers are ready"

    def needs_key(self) -> bool:
        """Whether requests from this machine need a key."""
        access = Settings().access
        if access == "auto":
            with suppress(StoreError), connect(self.redis_url) as client:
                return Store(client).api_keys.exist()
        return access == "keys"

    def wait_until_ready(self, given_up: Callable[[], bool], timeout: float = READY_TIMEOUT_S) -> str | None:
        """None once everything is ready; else, when the time is over, what is missing."""
        deadline = time.monotonic() + timeout
        while (missing := self.missing()) and time.monotonic() < deadline and not given_up():
            time.sleep(_READY_POLL_S)
        return missing

    def _api_command(self) -> list[str]:
        descriptor = str(self.server.fileno())
        return [*_python("uvicorn"), "app.main:create_app", "--factory", "--fd", descriptor, *_PROTOCOLS, *_GRACE]

    def _environment(self) -> Mapping[str, str]:
        # The URL may hold a password: it travels in the environment, never on a command line.
        environment = {**os.environ, "CROZE_REDIS_URL": self.redis_url}
        host = self.server.getsockname()[0]
        if not is_loopback(host) and host not in _REACHED_AT:
            # Whoever asks for the address that it was told to listen on has the right one.
            own = f"[{host}]" if ":" in host else host
            environment.setdefault("CROZE_ALLOWED_HOSTS", ",".join([*Settings().allowed_hosts, own]))
        return environment

    def _host_header(self) -> dict[str, str]:
        """A name that the API answers for, whatever it was told to answer for."""
        names = Settings().allowed_hosts
        return {} if "*" in names else {"Host": names[0]}

    def _after_restart(self, child: Child) -> None:
        """A Redis server that came back elsewhere (its socket's folder was gone): everyone must learn the new URL."""
        if isinstance(child, RedisChild) and self.redis_url != self._own_url:
            self._own_url = self.redis_url
            self.supervisor.restart(self.supervisor.stages[-1])


def _python(module: str) -> list[str]:
    # -P: a folder named `app` or `workers` in the user's working directory must not shadow ours.
    return [sys.executable, "-P", "-m", module]


def _check_reachable(url: str) -> None:
    try:
        with connect(url) as client:
            Store(client).check_writable()
    except StoreError as error:
        raise CommandError(f"the Redis server of REDIS_URL is of no use: {error}") from error
    except ValueError as error:  # redis-py's word for a malformed URL
        raise CommandError(f"REDIS_URL is no Redis URL: {error}") from error
