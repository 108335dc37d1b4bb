"""The shell scripts of the stack, without containers: programs that stand in for the engine and for Redis."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docker.stack import ROOT, SCRIPT

REDIS_START = ROOT / "docker" / "redis-start.sh"
#: What the scripts call besides the engine.
TOOLS = (
    "awk", "cat", "chmod", "cp", "df", "dirname", "echo", "git", "head", "id", "mkdir", "mktemp", "mv", "od", "rm",
    "sed", "sh", "sleep", "tail", "touch", "tr",
)  # fmt: skip


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder that is the whole PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    return folder


def put(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def run(script: Path, *arguments: str, programs: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *arguments],
        env={"PATH": str(programs), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_compose_it_says_what_to_install(programs: Path) -> None:
    put(programs / "docker", 'echo "docker: unknown command: $1" >&2; exit 1')
    for arguments in (["up"], ["down"], ["logs"]):
        done = run(SCRIPT, *arguments, programs=programs)
        assert done.returncode == 1
        assert "neither 'docker compose' nor 'docker-compose' is installed" in done.stderr
        assert "croze up" in done.stderr


def test_an_engine_that_does_not_answer_is_named(programs: Path) -> None:
    put(programs / "docker-compose", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    done = run(SCRIPT, "up", programs=programs)
    assert done.returncode == 1
    assert "'docker-compose' does not work here: Cannot connect to the Docker daemon" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["start"]])
def test_other_words_are_refused(programs: Path, arguments: list[str]) -> None:
    put(programs / "docker-compose", "exit 0")
    done = run(SCRIPT, *arguments, programs=programs)
    assert done.returncode == 1
    assert "allowed: up, down, logs, compose" in done.stderr


def test_up_makes_secrets_once_and_says_what_is_next(programs: Path, tmp_path: Path) -> None:
    calls, secrets = tmp_path / "calls", tmp_path / "secrets"
    put(
        programs / "docker",
        f"""echo "$@" >> {calls}
case "$*" in
  *"keys add"*) echo croze_token ;;
  *"croze workers"*) test "$CROZE_API_KEY" = croze_token ;;
  *"port api"*) echo 127.0.0.1:8000 ;;
esac""",
    )
    first = run(SCRIPT, "up", programs=programs, CROZE_SECRETS_DIR=str(secrets))
    assert first.returncode == 0, first.stderr
    assert "CRoZe is up: http://127.0.0.1:8000" in first.stdout
    assert "croze_token" not in first.stdout
    password = (secrets / "redis_password").read_text()
    assert len(bytes.fromhex(password)) == 32
    assert (secrets / "api_key").read_text() == "croze_token\n"
    assert oct(secrets.stat().st_mode)[-3:] == "700"
    assert oct((secrets / "api_key").stat().st_mode)[-3:] == "600"
    assert "compose up --detach --build --wait" in calls.read_text()

    second = run(SCRIPT, "up", "--scale", "worker=3", programs=programs, CROZE_SECRETS_DIR=str(secrets))
    assert "made" not in second.stdout
    assert (secrets / "redis_password").read_text() == password
    assert calls.read_text().count("keys add") == 1
    assert "--scale worker=3" in calls.read_text()
    # Keys are gone with the data: another is made.
    (secrets / "api_key").write_text("croze_old")
    assert "made an API key" in run(SCRIPT, "up", programs=programs, CROZE_SECRETS_DIR=str(secrets)).stdout


def test_settings_in_the_file_are_meant_for_the_script_too(programs: Path, tmp_path: Path) -> None:
    calls, script = tmp_path / "calls", tmp_path / "checkout" / "docker" / "stack.sh"
    put(programs / "docker", f'echo "$@" >> {calls}; case "$*" in *"keys add"*) echo croze_token ;; esac')
    script.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, script)
    (tmp_path / "checkout" / ".env").write_text(f"CROZE_UP_TIMEOUT=7\nCROZE_SECRETS_DIR='{tmp_path}/from the file'\n")
    assert run(script, "up", programs=programs).returncode == 0
    assert (tmp_path / "from the file" / "redis_password").is_file()
    assert "--wait-timeout 7" in calls.read_text()
    # As with compose, the environment comes first.
    assert run(script, "up", programs=programs, CROZE_SECRETS_DIR=str(tmp_path / "other")).returncode == 0
    assert (tmp_path / "other" / "api_key").is_file()
    assert not (tmp_path / "checkout" / "secrets").exists()


def test_a_stack_that_does_not_come_up_is_explained(programs: Path, tmp_path: Path) -> None:
    put(
        programs / "docker", 'case "$*" in *"up --detach"*) exit 1 ;; *"logs"*) echo "api-1 | croze api: wrong" ;; esac'
    )
    done = run(SCRIPT, "up", programs=programs, CROZE_SECRETS_DIR=str(tmp_path / "secrets"))
    assert done.returncode == 1
    assert "croze api: wrong" in done.stderr
    assert "CROZE_PORT" in done.stderr


@pytest.fixture
def redis_settings(programs: Path, tmp_path: Path) -> dict[str, str]:
    """A password, a folder for data, and a server that shows how it was started."""
    put(programs / "redis-server", 'cat "$1"; shift; echo "$@"')
    (tmp_path / "password").write_text("s3cret")
    (tmp_path / "data").mkdir()
    return {
        "REDIS_PASSWORD_FILE": str(tmp_path / "password"),
        "REDIS_DATA": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path),
    }


def test_redis_starts_with_its_password_in_a_file(programs: Path, redis_settings: dict[str, str]) -> None:
    done = run(REDIS_START, programs=programs, REDIS_MIN_ROOM_MB="0", REDIS_MEMORY="2gb", **redis_settings)
    config, command = done.stdout.splitlines()
    assert config == 'requirepass "s3cret"'
    assert "s3cret" not in command
    for words in ("--appendonly yes", "--appendfsync always", "--maxmemory 2gb", "--maxmemory-policy noeviction"):
        assert words in command
    assert done.returncode == 0
    assert not [*Path(redis_settings["REDIS_DATA"]).iterdir()]


@pytest.mark.parametrize("content", [None, ""])
def test_redis_without_a_password_does_not_start(
    programs: Path, redis_settings: dict[str, str], content: str | None
) -> None:
    file = Path(redis_settings["REDIS_PASSWORD_FILE"])
    file.unlink()
    if content is not None:
        file.write_text(content)
    done = run(REDIS_START, programs=programs, **redis_settings)
    assert done.returncode == 2
    assert done.stderr.startswith(f"croze redis: no password: {file}")
    assert len(done.stderr.splitlines()) == 1


def test_redis_waits_for_room_and_goes_on(programs: Path, redis_settings: dict[str, str], tmp_path: Path) -> None:
    # Room comes with the first nap.
    (programs / "df").unlink()
    put(programs / "df", f"echo header; if test -e {tmp_path}/room; then echo d 9 9 90 9 /; else echo d 9 9 3 9 /; fi")
    (programs / "sleep").unlink()
    put(programs / "sleep", f"touch {tmp_path}/room")
    done = run(REDIS_START, programs=programs, **redis_settings)
    assert done.stderr.startswith("croze redis: the disk is full: 3 MB are free")
    assert len(done.stderr.splitlines()) == 1
    assert done.returncode == 0
