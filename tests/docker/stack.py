"""A compose stack of its own for a test: built from this repository, on a free port, gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = ROOT / "docker" / "stack.sh"
#: Set by `make test-compose`: building images takes minutes, so no other test run does it by the way.
WANTED: Final = "CROZE_TEST_COMPOSE"
COMMAND_S: Final = 1200.0


def reason_to_skip() -> str | None:
    """Why there can be no stack here; None: there can."""
    if not os.environ.get(WANTED):
        return "builds images and starts containers: make test-compose"
    if shutil.which("docker") is None and shutil.which("docker-compose") is None:
        return "needs a container engine: neither docker nor docker-compose is on this machine"
    asked = subprocess.run(
        [SCRIPT, "down"], env=_environment("croze-nobody"), capture_output=True, text=True, check=False
    )
    return None if asked.returncode == 0 else f"needs a container engine that answers: {asked.stderr.strip()}"


def _environment(project: str) -> dict[str, str]:
    return {**os.environ, "COMPOSE_PROJECT_NAME": project, "COMPOSE_FILE": "docker-compose.yml"}


@dataclass(slots=True)
class Stack:
    """`docker/stack.sh` with settings of its own."""

    project: str
    secrets: Path
    port: int
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _variables(self) -> dict[str, str]:
        return {
            **_environment(self.project),
            "CROZE_SECRETS_DIR": str(self.secrets),
            "CROZE_PORT": str(self.port),
            **self.settings,
        }

    def run(self, *arguments: str, check: bool = True, **settings: str) -> subprocess.CompletedProcess[str]:
        """`docker/stack.sh ARGUMENTS`, e.g. `run("compose", "ps")`."""
        done = subprocess.run(
            [SCRIPT, *arguments],
            env=self._variables() | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    def compose(self, *arguments: str, check: bool = True, **settings: str) -> str:
        """What `docker compose ARGUMENTS` prints."""
        done = self.run("compose", *arguments, check=check, **settings)
        return done.stdout + done.stderr

    def shell(self, commands: str, folder: Path) -> str:
        """Commands of docs/deployment.md, run in a folder with this stack's secrets; what they print."""
        for documented, here in (
            ("docker/stack.sh", str(SCRIPT)),
            ("docker compose", f"{SCRIPT} compose"),
            ("make ", f"{SCRIPT} "),
            (" secrets/", f" {self.secrets}/"),
        ):
            commands = commands.replace(documented, here)
        done = subprocess.run(
            ["/bin/sh", "-euc", commands], env=self._variables(), cwd=folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=COMMAND_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def say(self, what: str) -> None:
        """A line of the log that docs/deployment.md shows."""
        with self.log.open("a") as stream:
            stream.write(f"{time.monotonic() - self.began:7.1f} s  {what}\n")

    def client(self) -> httpx.Client:
        """Of the service, with the key that `up` made."""
        token = (self.secrets / "api_key").read_text().strip()
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What `compose ps` says of a service's containers, stopped ones included."""
        text = self.run("compose", "ps", "--all", "--format", "json", service).stdout.strip()
        rows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]
        return [dict(row) for row in rows]

    def health(self, service: str) -> list[str]:
        return sorted(str(row["Health"]) for row in self.containers(service))

    def logged(self, service: str) -> list[str]:
        """The lines that a service's containers logged."""
        return self.run("compose", "logs", "--no-log-prefix", "--no-color", service).stdout.splitlines()

    def first_line(self, service: str) -> str:
        """The first line that a service's first container logged."""
        return (self.logged(service) or [""])[0]


def becomes(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes true within so many seconds. A service that is being replaced may not answer meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    sys.stdout.write(reason_to_skip() or "")
