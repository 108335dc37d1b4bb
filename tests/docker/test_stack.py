"""The compose stack for real: a job is scored while its containers are killed, restarted, scaled and replaced.

Run by `make test-compose`. One story, because building and starting a stack takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.docker.stack import ROOT, Stack, becomes, reason_to_skip

_SKIP: Final = reason_to_skip()
pytestmark = [
    pytest.mark.skipif(_SKIP is not None, reason=_SKIP or ""),
    pytest.mark.timeout(3600),
]

CELLS: Final = [f"index:{number}" for number in range(0, 15_625, 104)]
LONG_S: Final = 300.0
KILL: Final = (
    "import os, signal; from pathlib import Path; [os.kill(int(p.name), signal.SIGKILL) for p in "
    "Path('/proc').iterdir() if p.name.isdigit() and p.name not in ('1', str(os.getpid())) and "
    "b'workers.main' in (p / 'cmdline').read_bytes()]"
)


@pytest.fixture(scope="module")
def local_scores() -> dict[str, Any]:
    """What this machine says without any service: architecture -> score."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "app.cli.main", "score", "--local", "--space", "nasbench201", "--format", "json",
         "--file", "-"],
        input="\n".join(CELLS), env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=1200, check=True,
    )  # fmt: skip
    items = [json.loads(line) for line in done.stdout.splitlines()]
    return {item["architecture"]: item["scores"]["croze"]["value"] for item in items}


def scored(api: httpx.Client, job: str) -> int:
    return int(api.get(f"/v1/jobs/{job}").json()["counts"]["scored"])


def workers(api: httpx.Client) -> int:
    return len(api.get("/v1/workers").json()["items"])


def test_what_runs_is_confined(up: Stack) -> None:
    for service, user in (("redis", "999"), ("api", "10001"), ("worker", "10001")):
        told = up.compose(
            "exec", "-T", service, "sh", "-c", "id -u; touch /x; grep CapEff /proc/self/status", check=False
        )
        assert told.startswith(user), told
        assert "Read-only file system" in told
        assert "0000000000000000" in told
    assert httpx.get(f"{up.url}/v1/jobs", timeout=30).status_code == 401
    assert (up.secrets / "api_key").stat().st_mode & 0o777 == 0o600
    assert up.secrets.stat().st_mode & 0o777 == 0o700


def test_the_first_score_is_had_as_the_manual_says(up: Stack) -> None:
    blocks = [block for block in (ROOT / "README.md").read_text().split("```") if "make up" in block]
    assert len(blocks) == 1
    block = re.sub(r"(?m)^sh$|^make up.*$", "", blocks[0]).replace(" exec ", " exec -T ")
    printed = up.shell(block, ROOT)
    assert re.search(r"\b7\.\d{1,4}e\+09\b", printed), printed
    up.say("the manual's three commands: a score")


def test_a_job_survives_everything_and_its_scores_are_those_of_this_machine(
    up: Stack, local_scores: dict[str, Any]
) -> None:
    with up.client() as api:
        body = {"space": "nasbench201", "architectures": CELLS}
        answer = api.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        job = answer.json()["id"]
        up.say(f"a job of {len(CELLS)} cells is accepted")

        assert becomes(lambda: scored(api, job) > 5, LONG_S)
        up.compose("exec", "-T", "--index", "1", "worker", "python", "-c", KILL, check=False)
        up.say(f"worker 1 killed in mid-job, {scored(api, job)} scored")

        assert becomes(lambda: scored(api, job) > 25, LONG_S)
        up.compose("restart", "redis")
        assert becomes(lambda: api.get("/readyz").status_code == 200, LONG_S)
        up.say(f"redis restarted, {scored(api, job)} scored")

        up.compose("up", "--detach", "--no-recreate", "--scale", "worker=3", "worker")
        assert becomes(lambda: workers(api) == 3, LONG_S)
        up.say(f"three workers, {scored(api, job)} scored")

        up.compose("up", "--detach", "--force-recreate", "--no-deps", "api")
        assert becomes(lambda: api.get("/readyz").status_code == 200, LONG_S)
        up.say(f"the API replaced, {scored(api, job)} scored")

        assert becomes(lambda: api.get(f"/v1/jobs/{job}").json()["status"] == "completed", 3 * LONG_S)
        counts = api.get(f"/v1/jobs/{job}").json()["counts"]
        assert counts == {
            "total": len(CELLS),
            "queued": 0,
            "running": 0,
            "scored": len(CELLS),
            "failed": 0,
            "canceled": 0,
        }
        items = api.get(f"/v1/jobs/{job}/scores", params={"limit": 1000}).json()["items"]
        up.say(f"job completed: {counts['scored']} scored, none failed")
        found = {item["architecture"]: item["scores"]["croze"]["value"] for item in items}
        assert found == local_scores
        up.say("every score equal to the last bit to `croze score --local`")

        up.run("down")
        up.run("up")
        assert api.get(f"/v1/jobs/{job}").json()["counts"] == counts, "data and key outlive `make down`"
        up.say("down and up again: the job and the key are still there")


def said_and_seen(stack: Stack, service: str, words: str) -> None:
    """The first line that it logs has these words, and compose shows it unhealthy."""
    assert becomes(lambda: words in stack.first_line(service), LONG_S), stack.first_line(service)
    assert becomes(lambda: stack.health(service) == ["unhealthy"], LONG_S)
    stack.say(f"{service}: {stack.first_line(service)[:150]}")


#: Makes API and worker anew, and nothing else.
RECREATE: Final = ("up", "--detach", "--no-deps", "--force-recreate", "--scale", "worker=1", "api", "worker")


def test_a_wrong_password_is_said_and_seen(up: Stack, tmp_path: Path) -> None:
    wrong = tmp_path / "secrets"
    wrong.mkdir()
    (wrong / "redis_password").write_text("not-the-one")
    up.compose(*RECREATE, CROZE_SECRETS_DIR=str(wrong))
    for service in ("api", "worker"):
        said_and_seen(up, service, "does not accept this user or password")
    assert httpx.get(f"{up.url}/readyz", timeout=30).status_code == 503


def test_a_redis_that_is_away_is_said_and_seen_and_waited_for(up: Stack) -> None:
    up.compose("stop", "redis")
    up.compose(*RECREATE)
    for service in ("api", "worker"):
        said_and_seen(up, service, "Redis at redis:6379")
    up.compose("start", "redis")
    assert becomes(lambda: up.health("api") + up.health("worker") == ["healthy", "healthy"], LONG_S)
    up.say("Redis is back: API and worker are healthy by themselves")


def test_a_missing_password_is_said(up: Stack, tmp_path: Path) -> None:
    empty = tmp_path / "secrets"
    empty.mkdir()
    (empty / "redis_password").write_text("")
    for service in ("api", "worker", "redis"):
        told = up.compose("run", "--rm", "--no-deps", "-T", service, check=False, CROZE_SECRETS_DIR=str(empty))
        assert "password" in told
        assert "/run/secrets/redis_password" in told
    up.say("an empty secret ends each container at once, with its reason")


def test_a_gpu_that_is_not_there_is_said(up: Stack) -> None:
    told = up.compose("run", "--rm", "--no-deps", "-T", "-e", "CROZE_REQUIRE_DEVICE=cuda", "worker", check=False)
    assert "CROZE_REQUIRE_DEVICE is cuda, and the engine computes on cpu" in told
    up.say("a GPU that is not there ends the worker, with its reason")


def test_a_port_that_is_taken_is_said(up: Stack) -> None:
    other = f"{up.project}-other"
    second = Stack(other, up.secrets, up.port, up.log)
    try:
        done = second.run("up", check=False, CROZE_UP_TIMEOUT="120")
        assert done.returncode == 1
        assert re.search("address already in use|already allocated|port is already", done.stderr), done.stderr
        assert "CROZE_PORT" in done.stderr
    finally:
        second.run("down", "--volumes", "--timeout", "5", check=False)
    up.say("a port that is taken: `make up` says so")
