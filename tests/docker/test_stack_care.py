"""What an operator does to a stack, by docs/deployment.md: backup, passwords, an upgrade, overlays; and a full disk.

Run by `make test-compose`, after test_stack.py and on the same stack.
"""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.app.test_secrets import free_port
from tests.docker.stack import ROOT, Stack, becomes, reason_to_skip

_SKIP: Final = reason_to_skip()
pytestmark = [
    pytest.mark.skipif(_SKIP is not None, reason=_SKIP or ""),
    pytest.mark.timeout(3600),
]

DOCS: Final = (ROOT / "docs" / "deployment.md").read_text()
LONG_S: Final = 300.0
CLIENT: Final = "$(command -v valkey-cli || command -v redis-cli)"
#: An address of this machine's loopback that nobody else has. (Of Linux' loopback: others have just one.)
LOOPBACK: Final = "127.0.0.80"


def documented(heading: str) -> list[str]:
    """The commands under a heading, block by block."""
    (section,) = re.findall(rf"(?ms)^## {heading}\n(.*?)(?=^## |\Z)", DOCS)
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", section)
    assert blocks
    return blocks


@pytest.fixture(scope="module")
def job(up: Stack) -> Iterator[str]:
    """One that has ended."""
    up.compose("up", "--detach", "--wait")
    with up.client() as api:
        body = {"space": "nasbench201", "architectures": ["index:1", "index:2", "index:3"]}
        made = api.post("/v1/jobs", json=body).json()["id"]
        assert becomes(lambda: api.get(f"/v1/jobs/{made}").json()["status"] == "completed", LONG_S)
        yield made


def scores(stack: Stack, job: str) -> Any:
    with stack.client() as api:
        answer = api.get(f"/v1/jobs/{job}/scores")
        return answer.json()["items"] if answer.status_code == 200 else answer.status_code


def test_a_backup_brings_back_what_was_lost(up: Stack, job: str, tmp_path: Path) -> None:
    before = scores(up, job)
    assert len(before) == 3
    backup, restore = documented("Backup and restore")
    up.shell(backup, tmp_path)
    file = tmp_path / "redis.tgz"
    assert file.stat().st_mode & 0o777 == 0o600
    up.say(f"backup: {file.stat().st_size} bytes")
    with up.client() as api:
        assert becomes(lambda: api.get("/readyz").status_code == 200, LONG_S)
        assert api.delete(f"/v1/jobs/{job}").status_code == 204
    assert scores(up, job) == 410
    up.shell(restore, tmp_path)
    assert scores(up, job) == before
    up.say("restored: a job that was deleted after the backup is there again")


def test_passwords_and_keys_can_be_replaced(up: Stack, job: str, tmp_path: Path) -> None:
    before, password = scores(up, job), (up.secrets / "redis_password").read_text()
    (commands,) = documented("Keys and passwords")
    up.shell(commands, tmp_path)
    assert (up.secrets / "redis_password").read_text() != password
    assert scores(up, job) == before
    assert "WRONGPASS" in up.compose("exec", "-T", "redis", "sh", "-c", f"{CLIENT} -a {password} ping", check=False)
    up.say("another password of Redis")

    with up.client() as api:
        token = (up.secrets / "api_key").read_text().strip()
        (up.secrets / "api_key").unlink()
        up.run("up")
        assert api.get("/v1/jobs").status_code == 200, "both are good"
        up.compose("exec", "-T", "api", "croze", "keys", "revoke", token.split("_")[1])
        assert api.get("/v1/jobs").status_code == 401
    assert scores(up, job) == before
    up.say("another API key, and the old one revoked")


def test_a_new_release_takes_over_and_leaves_the_old_images(up: Stack, job: str) -> None:
    before = scores(up, job)
    up.run("up", CROZE_VERSION="next")
    assert {row["Image"].rpartition(":")[2] for row in up.containers("worker")} == {"next"}
    assert scores(up, job) == before
    up.say("`CROZE_VERSION=next make up`: all containers are of the new images, and the job is there")
    up.compose("up", "--detach", "--wait")
    assert {row["Image"].rpartition(":")[2] for row in up.containers("worker")} == {"dev"}
    assert scores(up, job) == before
    up.say("and back to the old ones")


@pytest.mark.parametrize(
    ("overlay", "added"), [("gpu", {"gpu-0"}), ("observability", {"prometheus", "grafana"}), ("tls", {"tls"})]
)
def test_overlays_are_what_compose_understands(stack: Stack, overlay: str, added: set[str]) -> None:
    files = f"docker-compose.yml:docker/compose.{overlay}.yml"
    services = stack.compose("config", "--services", COMPOSE_FILE=files, CROZE_HOSTNAME="scores.example.org")
    assert {"redis", "api", "worker"} | added <= {*services.split()}


def stand_ins(stack: Stack, files: str, *services: str) -> str:
    """The files with public images if those can be had, else with Debian's packages."""
    if stack.run("compose", "pull", "--quiet", *services, check=False, COMPOSE_FILE=files).returncode == 0:
        return files
    files += ":tests/docker/debian.yml"
    stack.compose("build", *services, COMPOSE_FILE=files)
    return files


def origin(files: str) -> str:
    return "Debian's package" if "debian" in files else "public image"


def test_the_tls_overlay_serves_https(up: Stack, job: str) -> None:
    up.settings |= {"CROZE_HOSTNAME": "localhost", "CROZE_TLS": "tls internal", "CROZE_TLS_BIND": LOOPBACK}
    files = stand_ins(up, "docker-compose.yml:docker/compose.tls.yml", "tls")
    up.compose("up", "--detach", "--wait", "tls", COMPOSE_FILE=files)
    authority = up.secrets / "authority.pem"
    kept = "/data/caddy/pki/authorities/local/root.crt"
    authority.write_text(up.run("compose", "exec", "-T", "tls", "cat", kept, COMPOSE_FILE=files).stdout)
    token = (up.secrets / "api_key").read_text().strip()
    with httpx.Client(verify=ssl.create_default_context(cafile=authority), timeout=60) as client:

        def asked(scheme: str, **headers: str) -> httpx.Response:
            request = client.build_request(
                "GET", f"{scheme}://{LOOPBACK}/v1/jobs/{job}/scores", headers={"Host": "localhost", **headers}
            )
            request.extensions["sni_hostname"] = "localhost"
            return client.send(request)

        assert asked("https", Authorization=f"Bearer {token}").json()["items"] == scores(up, job)
        assert asked("https").status_code == 401
        assert asked("http").headers["Location"] == f"https://localhost/v1/jobs/{job}/scores"
    up.say(f"TLS overlay ({origin(files)}): scores come through HTTPS")


def test_the_observability_overlay_scrapes_the_service(up: Stack, job: str) -> None:
    del job
    up.settings["CROZE_PROMETHEUS_PORT"] = str(free_port())
    token = up.run("compose", "exec", "-T", "api", "croze", "keys", "add", "prometheus", "--role", "read").stdout
    (up.secrets / "metrics_token").write_text(token)
    (up.secrets / "grafana_password").write_text("none runs here")
    files = stand_ins(up, "docker-compose.yml:docker/compose.observability.yml", "prometheus")
    up.compose("up", "--detach", "--wait", "prometheus", COMPOSE_FILE=files)
    address = f"http://127.0.0.1:{up.settings['CROZE_PROMETHEUS_PORT']}/api/v1"

    def workers() -> str | None:
        found = httpx.get(f"{address}/query", params={"query": "croze:workers_fit"}, timeout=60).json()["data"][
            "result"
        ]
        return str(found[0]["value"][1]) if found else None

    assert becomes(lambda: workers() == "2", LONG_S), httpx.get(f"{address}/targets", timeout=60).text
    up.say(f"observability overlay ({origin(files)}): Prometheus sees both workers")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """One of 100 MB, which whoever runs in a container may write to."""
    if not Path("/bin/mount").exists():
        pytest.skip("a disk to fill is mounted by the program mount")
    folder.mkdir()
    done = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=100m,mode=0777", "tmpfs", folder], capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"a disk to fill must be mounted, which root may: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", folder], check=False)


def fill(file: Path) -> None:
    """Until nothing more fits."""
    with suppress(OSError), file.open("wb") as stream:
        while True:
            stream.write(b"x" * 2**16)
            stream.flush()


def test_a_full_disk_is_said_and_seen_and_waited_out(up: Stack, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        other = Stack(f"{up.project}-disk", up.secrets, up.port, up.log)
        files = "docker-compose.yml:tests/docker/full_disk.yml"
        other.settings = {"COMPOSE_FILE": files, "CROZE_TEST_DISK": str(disk)}

        def write() -> str:
            # More than a page: less would still fit into the last one of its file.
            value = "head -c 10000 /dev/zero | tr '\\0' x"
            command = f"export REDISCLI_AUTH=$(cat /run/secrets/redis_password); {value} | {CLIENT} -x set croze:test"
            return other.compose("exec", "-T", "redis", "sh", "-c", command, check=False)

        try:
            other.compose("up", "--detach", "--wait", "redis")
            assert "OK" in write()
            fill(disk / "filler")
            assert becomes(lambda: "OK" not in write(), LONG_S)
            assert becomes(lambda: any("the disk is full: " in line for line in other.logged("redis")), LONG_S)
            assert becomes(lambda: other.health("redis") == ["unhealthy"], LONG_S)
            up.say("a full disk: Redis ends at a write, waits for room, and is unhealthy")
            (disk / "filler").unlink()
            assert becomes(lambda: "OK" in write(), LONG_S)
            assert becomes(lambda: other.health("redis") == ["healthy"], LONG_S)
            up.say("room was made: Redis goes on by itself")
        finally:
            other.run("down", "--volumes", "--timeout", "5", check=False)
