"""One compose stack for all tests that want one: building and starting it takes minutes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.app.test_secrets import free_port
from tests.docker.stack import ROOT, Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Not started. Whatever runs of it at the end is removed."""
    folder = tmp_path_factory.mktemp("stack")
    log = ROOT / "build" / "compose-test.log"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    made = Stack(f"croze-test-{os.getpid()}", folder / "secrets", free_port(), log)
    try:
        yield made
    finally:
        # Those of the overlays too, with their volumes.
        files = ":".join(["docker-compose.yml", "docker/compose.observability.yml", "docker/compose.tls.yml"])
        made.run("down", "--volumes", "--timeout", "5", check=False, COMPOSE_FILE=files, CROZE_HOSTNAME="localhost")
        made.say("torn down")


@pytest.fixture(scope="session")
def up(stack: Stack) -> Stack:
    """The stack, built and started."""
    stack.compose("build")
    stack.say("both images built")
    stack.run("up")
    stack.say("up and healthy: redis, api, 2 workers; the first key is made")
    return stack
