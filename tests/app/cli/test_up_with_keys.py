"""`croze up` where a key is needed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app import exposure
from app.cli import local_service
from tests.app.cli.conftest import Croze
from tests.app.cli.processes import croze_up
from tests.workers.processes import wait_until
from workers.settings import connect


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CROZE_REDIS_URL", "REDIS_URL", "CROZE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_without_keys_it_does_not_start_where_others_reach_it(
    croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No test listens on a real network: this loopback is taken for an address that others reach.
    for module in (exposure, local_service):
        monkeypatch.setattr(module, "is_loopback", lambda _host: False)

    done = croze("up", "--port", "0", "--host", "127.0.0.1", "--data-dir", str(tmp_path / "state"))

    assert done.exit_code == 1
    assert "no key was ever made" in done.err
    assert "croze keys add" in done.err
    assert croze("keys", "add", "alice", "--data-dir", str(tmp_path / "state")).exit_code == 0, (
        "nothing holds the folder"
    )


@pytest.mark.slow
def test_keys_made_while_it_runs_count_at_once(croze: Croze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ("--data-dir", str(tmp_path / "state"))
    monkeypatch.setenv("CROZE_REDIS_MEMORY", "300MiB")
    with croze_up(tmp_path) as up:
        assert httpx.get(f"{up.url}/v1/spaces").status_code == 200
        token = croze("keys", "add", "alice", *folder).out.strip()
        assert httpx.get(f"{up.url}/v1/spaces").status_code == 401

        small = ("--channels", "4", "--cells", "1", "--url", up.url)
        refused = croze("score", "index:12", *small)
        assert refused.exit_code == 1
        assert "CROZE_API_KEY" in refused.err
        monkeypatch.setenv("CROZE_API_KEY", token)
        done = croze("score", "index:12", *small)
        assert done.exit_code == 0, done.err

        assert "$CROZE_API_KEY" not in up.text(), "it was open when it said how to use it"

        assert croze("keys", "revoke", "alice", *folder).exit_code == 0
        assert croze("score", "index:12", *small).exit_code == 1
        logs = "".join(path.read_text() for path in (up.folder / "logs").iterdir())
        assert token.rpartition("_")[2] not in logs
        with connect(f"unix://{up.folder}/redis/r.sock") as redis:
            assert redis.config_get("maxmemory")["maxmemory"] == str(300 * 2**20)
            assert redis.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    with croze_up(tmp_path) as again:
        assert wait_until(lambda: "Ctrl-C stops everything" in again.text(), 30)
        assert again.text().count('-H "Authorization: Bearer $CROZE_API_KEY"') == 2
        assert httpx.get(f"{again.url}/v1/spaces").status_code == 401, "keys outlive the service"
